//! The meaning of a value by Debezium's schema: JSON alone does not distinguish a date from a number of days.

use serde::Deserialize;

use crate::contract::Contract;
use crate::reader::convert::Value;

/// The meaning of a value beyond its JSON.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Meaning {
    /// A count of `1 / per_second` seconds since 1970.
    Instant { per_second: u32 },
    /// Days since 1970.
    Days,
    /// The digits of a number, as two's complement in base64.
    Decimal { scale: u8 },
    /// The same, with its scale next to it.
    ScaledDecimal,
}

#[derive(Deserialize)]
struct Field<'a> {
    #[serde(borrow)]
    field: Option<&'a str>,
    #[serde(borrow)]
    name: Option<&'a str>,
    #[serde(borrow, default)]
    parameters: Option<Parameters<'a>>,
    #[serde(borrow, default)]
    fields: Vec<Field<'a>>,
}

#[derive(Deserialize)]
struct Parameters<'a> {
    #[serde(borrow)]
    scale: Option<&'a str>,
}

/// The meaning of each column of the contract in an event's schema.
pub(super) fn meanings(schema: &str, contract: &Contract) -> Vec<Option<Meaning>> {
    let Ok(schema) = sonic_rs::from_str::<Field<'_>>(schema) else {
        return vec![None; contract.columns().len()];
    };
    let image = |name: &str| schema.fields.iter().find(|field| field.field == Some(name));
    let source = contract.source();
    let columns = contract.columns().iter().zip(&source.columns);
    columns
        .map(|(column, origin)| {
            let name = origin.from.as_deref().unwrap_or(&column.name);
            let image = image("after").or_else(|| image("before"))?;
            let is_it = |field: &&Field<'_>| {
                field
                    .field
                    .is_some_and(|one| one.eq_ignore_ascii_case(name))
            };
            image.fields.iter().find(is_it).and_then(meaning)
        })
        .collect()
}

fn meaning(field: &Field<'_>) -> Option<Meaning> {
    let instant = |per_second| Some(Meaning::Instant { per_second });
    match field.name? {
        "io.debezium.time.Timestamp" | "org.apache.kafka.connect.data.Timestamp" => instant(1_000),
        "io.debezium.time.MicroTimestamp" => instant(1_000_000),
        "io.debezium.time.NanoTimestamp" => instant(1_000_000_000),
        "io.debezium.time.Date" | "org.apache.kafka.connect.data.Date" => Some(Meaning::Days),
        "org.apache.kafka.connect.data.Decimal" => {
            let scale = field.parameters.as_ref()?.scale?.parse().ok()?;
            Some(Meaning::Decimal { scale })
        }
        "io.debezium.data.VariableScaleDecimal" => Some(Meaning::ScaledDecimal),
        _ => None,
    }
}

/// The meaning of a value at a path of the envelope, without a schema.
pub(super) fn of_path(path: &str) -> Option<Meaning> {
    let unit = path.rsplit('.').next().unwrap_or(path);
    let per_second = match unit {
        "ts_ms" => 1_000,
        "ts_us" => 1_000_000,
        "ts_ns" => 1_000_000_000,
        _ => return None,
    };
    Some(Meaning::Instant { per_second })
}

#[derive(Deserialize)]
struct ScaledDecimal<'a> {
    scale: u8,
    #[serde(borrow)]
    value: &'a str,
}

/// The value with this meaning; none if its JSON has another type, such as a number that the connector writes as text.
pub(super) fn value<'s>(
    meaning: Meaning,
    raw: &str,
    scratch: &'s mut Vec<u8>,
) -> Option<Value<'s>> {
    match meaning {
        Meaning::Instant { per_second } => {
            let count: i64 = raw.parse().ok()?;
            Some(Value::Instant(
                i128::from(count) * i128::from(1_000_000_000 / per_second),
            ))
        }
        Meaning::Days => raw.parse().ok().map(Value::Days),
        Meaning::Decimal { scale } => {
            decimal(raw.strip_prefix('"')?.strip_suffix('"')?, scale, scratch)?;
            Some(Value::Number(scratch))
        }
        Meaning::ScaledDecimal => {
            let scaled: ScaledDecimal<'_> = sonic_rs::from_str(raw).ok()?;
            decimal(scaled.value, scaled.scale, scratch)?;
            Some(Value::Number(scratch))
        }
    }
}

/// Writes a number whose digits are two's complement, the highest byte first.
fn decimal(base64: &str, scale: u8, output: &mut Vec<u8>) -> Option<()> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(base64)
        .ok()?;
    if bytes.is_empty() || bytes.len() > 16 {
        return None;
    }
    let filling = if bytes[0] & 0x80 == 0 { 0 } else { 0xff };
    let mut wide = [filling; 16];
    wide[16 - bytes.len()..].copy_from_slice(&bytes);
    let number = i128::from_be_bytes(wide);
    output.clear();
    output.extend_from_slice(format!("{number}e-{scale}").as_bytes());
    Some(())
}
