//! Positions in a database's log, written as texts that sort in the order of the log.

use crate::error::{Error, Result};

/// The notation of a position in its database.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Position {
    /// PostgreSQL's LSN: two hexadecimal numbers, such as `16/B374D848`.
    Lsn,
    /// Hexadecimal digits of equal length, such as SQL Server's LSN `00000027:00000758:0005` or `0x000000270000075800050001`.
    Hex,
    /// Any text that already sorts in the order of the log, such as `mysql-bin.000012`.
    Text,
}

impl Position {
    /// Parses the name in a contract.
    ///
    /// # Errors
    /// `Config` if the name is unknown.
    pub(super) fn parse(name: &str) -> Result<Self> {
        match name {
            "lsn" => Ok(Self::Lsn),
            "hex" => Ok(Self::Hex),
            "text" => Ok(Self::Text),
            "gtid" => Err(Error::config(
                "invalid `position` `gtid`: a GTID set has no order. Order by the binary log's file (`text`) and offset instead",
            )),
            _ => Err(Error::config(format!(
                "invalid `position` `{}`: expected lsn, hex or text. Order by an SCN or an offset as a NUMBER(p,0)",
                name.escape_debug()
            ))),
        }
    }

    /// The minimum length of the column, in characters.
    pub(super) fn least_chars(self) -> u32 {
        match self {
            Self::Lsn => 17,
            Self::Hex | Self::Text => 1,
        }
    }

    /// Appends the position in the tables' form; false if the text is not a position.
    pub(crate) fn write(self, text: &[u8], output: &mut Vec<u8>) -> bool {
        match self {
            Self::Lsn => write_lsn(text, output).is_some(),
            Self::Hex => write_hex(text, output),
            Self::Text => {
                output.extend_from_slice(text);
                true
            }
        }
    }

    /// A regular expression for the tables' form; none if any text is valid.
    pub(crate) fn pattern(self) -> Option<&'static str> {
        match self {
            Self::Lsn => Some("[0-9A-F]{8}/[0-9A-F]{8}"),
            Self::Hex => Some("[0-9A-F]+"),
            Self::Text => None,
        }
    }

    /// The expected form of a source's text; none if any text is valid.
    pub(super) fn expected(self) -> Option<&'static str> {
        match self {
            Self::Lsn => Some("an LSN like 16/B374D848"),
            Self::Hex => Some("hexadecimal digits like 00000027:00000758:0005"),
            Self::Text => None,
        }
    }
}

fn write_lsn(text: &[u8], output: &mut Vec<u8>) -> Option<()> {
    let text = std::str::from_utf8(text.trim_ascii()).ok()?;
    let half = |text: &str| {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = u32::from_str_radix(text, 16).ok();
        value.filter(|_| is_plain)
    };
    let (high, low) = text.split_once('/')?;
    let position = format!("{:08X}/{:08X}", half(high)?, half(low)?);
    output.extend_from_slice(position.as_bytes());
    Some(())
}

fn write_hex(text: &[u8], output: &mut Vec<u8>) -> bool {
    let text = text.trim_ascii();
    let digits = text.strip_prefix(b"0x").or(text.strip_prefix(b"0X"));
    let start = output.len();
    for byte in digits.unwrap_or(text) {
        match byte {
            b':' | b'-' => {}
            _ if byte.is_ascii_hexdigit() => output.push(byte.to_ascii_uppercase()),
            _ => return false,
        }
    }
    output.len() > start
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(position: Position, text: &str) -> Option<String> {
        let mut output = Vec::new();
        let is_one = position.write(text.as_bytes(), &mut output);
        is_one.then(|| String::from_utf8(output).unwrap())
    }

    #[test]
    fn an_lsn_is_compared_by_its_two_numbers() {
        let mut texts: Vec<String> = ["16/B374D848", "9/FFFFFFFF", "16/0", "100/1"]
            .iter()
            .map(|text| written(Position::Lsn, text).unwrap())
            .collect();
        texts.sort();
        let order = [
            "00000009/FFFFFFFF",
            "00000016/00000000",
            "00000016/B374D848",
            "00000100/00000001",
        ];
        assert_eq!(texts, order);
        for wrong in ["", "16", "16/", "x/1", "16/+1", "1/123456789"] {
            assert_eq!(written(Position::Lsn, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn hexadecimal_positions_drop_prefix_separators_and_case() {
        for text in ["00000027:00000758:0005", "0x00000027000007580005"] {
            assert_eq!(
                written(Position::Hex, text).unwrap(),
                "00000027000007580005"
            );
        }
        assert_eq!(written(Position::Hex, "ab").unwrap(), "AB");
        assert_eq!(written(Position::Hex, "0xg"), None);
        assert_eq!(written(Position::Hex, ""), None);
    }

    #[test]
    fn a_notation_without_an_order_is_rejected() {
        let error = Position::parse("gtid").unwrap_err().to_string();
        assert!(error.contains("a GTID set has no order"), "{error}");
        assert!(
            Position::parse("scn")
                .unwrap_err()
                .to_string()
                .contains("as a NUMBER(p,0)")
        );
    }
}
