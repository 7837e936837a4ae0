//! Numbers: decimal and grouping characters, exponents, and the conversion to a column's scale, exact or, if lenient, rounded.

use super::Fault;
use crate::contract::{ColumnType, Numbers};

/// The notation of numbers in a source.
pub(super) struct Notation {
    decimal: Vec<u8>,
    grouping: Option<Vec<u8>>,
    is_lenient: bool,
}

impl Notation {
    pub fn new(numbers: Numbers, is_lenient: bool) -> Self {
        Self {
            decimal: numbers.decimal.to_string().into_bytes(),
            grouping: numbers.grouping.map(|char| char.to_string().into_bytes()),
            is_lenient,
        }
    }

    /// Writes a number given as text.
    pub fn text(
        &self,
        text: &[u8],
        precision: u8,
        scale: u8,
        output: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let kind = ColumnType::Number { precision, scale };
        let is_usual = self.decimal == b"." && self.grouping.is_none();
        let plain = if is_usual {
            text.to_vec()
        } else {
            self.plain(text).ok_or(Fault::InvalidValue)?
        };
        if kind.accepts(&plain) {
            output.extend_from_slice(&plain);
            return Ok(());
        }
        if !self.is_lenient {
            return Err(Fault::InvalidValue);
        }
        exact(plain.trim_ascii(), precision, scale, true, output)
    }

    /// Writes a 64-bit floating-point number given as text.
    pub fn float(&self, text: &[u8], output: &mut Vec<u8>) -> Result<(), Fault> {
        if self.decimal == b"." && self.grouping.is_none() {
            return float(text, output);
        }
        float(&self.plain(text).ok_or(Fault::InvalidValue)?, output)
    }

    /// The number with a decimal point and without groups; none if a group does not have three digits.
    fn plain(&self, text: &[u8]) -> Option<Vec<u8>> {
        let at = memchr::memmem::find(text, &self.decimal);
        let (whole, fraction) = match at {
            Some(at) => (&text[..at], Some(&text[at + self.decimal.len()..])),
            None => (text, None),
        };
        let mut plain = Vec::with_capacity(text.len());
        match &self.grouping {
            Some(separator) if memchr::memmem::find(whole, separator).is_some() => {
                let digits = whole.strip_prefix(b"-").unwrap_or(whole);
                plain.extend_from_slice(&whole[..whole.len() - digits.len()]);
                let mut at = 0;
                let mut rest = digits;
                loop {
                    let end = memchr::memmem::find(rest, separator);
                    let group = &rest[..end.unwrap_or(rest.len())];
                    let fits = if at == 0 {
                        (1..=3).contains(&group.len())
                    } else {
                        group.len() == 3
                    };
                    if !fits || !group.iter().all(u8::is_ascii_digit) {
                        return None;
                    }
                    plain.extend_from_slice(group);
                    at += 1;
                    match end {
                        Some(end) => rest = &rest[end + separator.len()..],
                        None => break,
                    }
                }
            }
            _ => plain.extend_from_slice(whole),
        }
        // A point that is not the decimal character would change the value by a factor of thousands.
        if plain.contains(&b'.') {
            return None;
        }
        if let Some(fraction) = fraction {
            if fraction.contains(&b'.') {
                return None;
            }
            plain.push(b'.');
            plain.extend_from_slice(fraction);
        }
        Some(plain)
    }
}

/// Writes the shortest text of a 64-bit floating-point number.
pub(super) fn float(text: &[u8], output: &mut Vec<u8>) -> Result<(), Fault> {
    let number = std::str::from_utf8(text)
        .ok()
        .filter(|_| ColumnType::Float.accepts(text))
        .and_then(|text| text.parse::<f64>().ok())
        .ok_or(Fault::InvalidValue)?;
    // Negative zero becomes zero.
    output.extend_from_slice(format!("{:?}", number + 0.0).as_bytes());
    Ok(())
}

/// Writes a number in any notation, such as `1.50` or `-2e3`, if the column holds it exactly, or rounded half away from zero.
pub(super) fn exact(
    text: &[u8],
    precision: u8,
    scale: u8,
    is_rounded: bool,
    output: &mut Vec<u8>,
) -> Result<(), Fault> {
    let decimal = Decimal::parse(text).ok_or(Fault::InvalidValue)?;
    let digits = decimal
        .at_scale(scale, is_rounded)
        .filter(|digits| digits.len() <= usize::from(precision))
        .ok_or(Fault::InvalidValue)?;
    let digits = digits.as_slice();
    let scale = usize::from(scale);
    if decimal.is_negative && !digits.is_empty() {
        output.push(b'-');
    }
    let whole = digits.len().saturating_sub(scale);
    if whole == 0 {
        output.push(b'0');
    } else {
        output.extend_from_slice(&digits[..whole]);
    }
    if scale > 0 {
        output.push(b'.');
        output.extend(std::iter::repeat_n(b'0', scale - (digits.len() - whole)));
        output.extend_from_slice(&digits[whole..]);
    }
    Ok(())
}

struct Decimal {
    is_negative: bool,
    /// The digits, without leading zeros.
    digits: Vec<u8>,
    /// The value is the digits times ten to this power.
    exponent: i64,
}

impl Decimal {
    fn parse(text: &[u8]) -> Option<Self> {
        let is_negative = text.starts_with(b"-");
        let text = text
            .strip_prefix(b"-")
            .or_else(|| text.strip_prefix(b"+"))
            .unwrap_or(text);
        let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
            Some(at) => (
                &text[..at],
                std::str::from_utf8(&text[at + 1..])
                    .ok()?
                    .parse::<i32>()
                    .ok()?,
            ),
            None => (text, 0),
        };
        let point = mantissa.iter().position(|byte| *byte == b'.');
        let (whole, fraction) = point.map_or((mantissa, &b""[..]), |at| {
            (&mantissa[..at], &mantissa[at + 1..])
        });
        let all = [whole, fraction].concat();
        if all.is_empty() || !all.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let zeros = all.iter().take_while(|byte| **byte == b'0').count();
        Some(Self {
            is_negative,
            digits: all[zeros..].to_vec(),
            exponent: i64::from(exponent) - i64::try_from(fraction.len()).ok()?,
        })
    }

    /// The digits of the value times ten to the power of `scale`, without leading zeros; none if digits after them would be lost.
    fn at_scale(&self, scale: u8, is_rounded: bool) -> Option<Vec<u8>> {
        let mut digits = self.digits.clone();
        let shift = self.exponent + i64::from(scale);
        if digits.is_empty() {
            return Some(digits);
        }
        if shift >= 0 {
            // Rejects numbers longer than any column before allocating memory, such as `1e999999999`.
            let zeros = usize::try_from(shift).ok().filter(|zeros| *zeros <= 38)?;
            digits.extend(std::iter::repeat_n(b'0', zeros));
            return Some(digits);
        }
        let lost = usize::try_from(-shift).ok()?;
        let kept = digits.len().saturating_sub(lost);
        let rest = digits.split_off(kept);
        if rest.iter().all(|digit| *digit == b'0') && lost <= rest.len() {
            return Some(digits);
        }
        if !is_rounded {
            return None;
        }
        // The first lost digit decides the rounding; with zeros before it, nothing is carried.
        if lost == rest.len() && rest[0] >= b'5' {
            carry(&mut digits);
        }
        Some(digits)
    }
}

/// Adds one to the last digit.
fn carry(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
}
