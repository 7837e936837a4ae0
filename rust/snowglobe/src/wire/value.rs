//! A value as text: what the SQL API writes, and where the drivers differ.

use super::json::pretty;
use crate::engine::{SnowflakeType, Value};
use std::fmt::Write as _;

/// Who reads a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQL API v2, format `jsonv2`.
    SqlApi,
    /// The official drivers, format `json`.
    Drivers,
}

/// Appends a value as the SQL API writes it; false for null.
pub fn write_value(
    text: &mut String,
    value: &Value,
    kind: &SnowflakeType,
    dialect: Dialect,
) -> bool {
    let decimals = decimals(kind, dialect);
    match value {
        Value::Null => return false,
        Value::Boolean(value) => text.push_str(match (dialect, value) {
            (Dialect::SqlApi, true) => "true",
            (Dialect::SqlApi, false) => "false",
            (Dialect::Drivers, true) => "1",
            (Dialect::Drivers, false) => "0",
        }),
        Value::Number(digits) => {
            let scale = if let SnowflakeType::Number { scale, .. } = kind {
                *scale
            } else {
                0
            };
            push_decimal(text, *digits, scale.into());
        }
        Value::Float(value) => push_float(text, *value),
        Value::Text(value) => text.push_str(value),
        Value::Json(value) => text.push_str(&pretty(value)),
        Value::Binary(bytes) => bytes
            .iter()
            .for_each(|byte| push(text, format_args!("{byte:02X}"))),
        Value::Date(days) => push(text, format_args!("{days}")),
        Value::Time(micros) | Value::TimestampNtz(micros) | Value::TimestampLtz(micros) => {
            push_seconds(text, *micros, decimals)
        }
        Value::TimestampTz {
            micros,
            offset_minutes,
        } => {
            push_seconds(text, *micros, decimals);
            // The offset is shifted by a day, so that it is never negative.
            push(text, format_args!(" {}", offset_minutes + 1440));
        }
    }
    true
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = text.write_fmt(arguments);
}

fn push_decimal(text: &mut String, digits: i128, scale: usize) {
    if scale == 0 {
        return push(text, format_args!("{digits}"));
    }
    if digits < 0 {
        text.push('-');
    }
    let all = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = all.split_at(all.len() - scale);
    text.push_str(whole);
    text.push('.');
    text.push_str(fraction);
}

fn push_float(text: &mut String, value: f64) {
    if value.is_nan() {
        text.push_str("NaN");
    } else if value.is_infinite() {
        text.push_str(if value > 0.0 { "inf" } else { "-inf" });
    } else if value != 0.0 && !(1e-5..1e15).contains(&value.abs()) {
        let scientific = format!("{value:e}");
        match scientific.split_once('e') {
            Some((mantissa, exponent)) if !exponent.starts_with('-') => {
                push(text, format_args!("{mantissa}e+{exponent:0>2}"))
            }
            _ => text.push_str(&scientific),
        }
    } else {
        push(text, format_args!("{value}"));
    }
}

/// The SQL API writes nine decimals of a second, the drivers as many as the type has.
fn decimals(kind: &SnowflakeType, dialect: Dialect) -> usize {
    use SnowflakeType::{Time, TimestampLtz, TimestampNtz, TimestampTz};
    match kind {
        Time { scale }
        | TimestampNtz { scale }
        | TimestampLtz { scale }
        | TimestampTz { scale }
            if dialect == Dialect::Drivers =>
        {
            usize::from(*scale).min(9)
        }
        _ => 9,
    }
}

/// Seconds with so many decimals, of microseconds.
fn push_seconds(text: &mut String, micros: i64, decimals: usize) {
    if micros < 0 {
        text.push('-');
    }
    let micros = micros.unsigned_abs();
    push(text, format_args!("{}", micros / 1_000_000));
    if decimals > 0 {
        let fraction = format!("{:06}000", micros % 1_000_000);
        push(text, format_args!(".{}", &fraction[..decimals]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: Value, kind: SnowflakeType) -> Option<String> {
        text_for(Dialect::SqlApi, value, kind)
    }

    fn text_for(dialect: Dialect, value: Value, kind: SnowflakeType) -> Option<String> {
        let mut text = String::new();
        write_value(&mut text, &value, &kind, dialect).then_some(text)
    }

    #[test]
    fn the_drivers_get_booleans_as_digits_and_as_many_decimals_as_the_type_has() {
        let milli = SnowflakeType::TimestampNtz { scale: 3 };
        let driver = |value, kind| text_for(Dialect::Drivers, value, kind).unwrap();
        assert_eq!(driver(Value::Boolean(true), SnowflakeType::Boolean), "1");
        assert_eq!(driver(Value::TimestampNtz(1_500_000), milli), "1.500");
        assert_eq!(
            driver(Value::Time(1_500_000), SnowflakeType::Time { scale: 0 }),
            "1"
        );
    }

    #[test]
    fn values_are_written_as_the_sql_api_documents_them() {
        use SnowflakeType as T;
        for (value, kind, expected) in [
            (
                Value::Number(-5),
                T::Number {
                    precision: 10,
                    scale: 2,
                },
                "-0.05",
            ),
            (
                Value::Number(12345),
                T::Number {
                    precision: 10,
                    scale: 2,
                },
                "123.45",
            ),
            (
                Value::Number(i128::MIN),
                T::INTEGER,
                "-170141183460469231731687303715884105728",
            ),
            (Value::Float(1.5), T::Float, "1.5"),
            (Value::Float(1e20), T::Float, "1e+20"),
            (Value::Float(f64::NAN), T::Float, "NaN"),
            (Value::Boolean(true), T::Boolean, "true"),
            (Value::Date(18262), T::Date, "18262"),
            (
                Value::Time(82_919_000_000),
                T::Time { scale: 9 },
                "82919.000000000",
            ),
            (
                Value::TimestampNtz(1_616_173_619_000_001),
                T::NTZ,
                "1616173619.000001000",
            ),
            (Value::TimestampLtz(-500_000), T::LTZ, "-0.500000000"),
            (
                Value::TimestampTz {
                    micros: 1_616_173_619_000_000,
                    offset_minutes: -480,
                },
                T::TimestampTz { scale: 9 },
                "1616173619.000000000 960",
            ),
            (
                Value::Binary(vec![0xAB, 1]),
                T::Binary { length: 2 },
                "AB01",
            ),
            (
                Value::Json("{\"a\":1}".into()),
                T::Variant,
                "{\n  \"a\": 1\n}",
            ),
        ] {
            assert_eq!(text(value, kind).as_deref(), Some(expected));
        }
        assert_eq!(text(Value::Null, T::TEXT), None);
    }
}
