//! Snowflake's type names, and the DuckDB types that hold their values.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::fragment::Sql;
use super::tokens::lex;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{MAX_BINARY_LENGTH, MAX_VARCHAR_LENGTH, SnowflakeType};

/// Reads a type at the cursor.
///
/// # Errors
/// For a type that Snowflake does not have, or that Snowglobe refuses.
pub fn parse(cursor: &mut Cursor<'_>) -> Result<SnowflakeType> {
    let word = cursor.identifier()?;
    let kind = match word.as_str() {
        "NUMBER" | "DECIMAL" | "NUMERIC" | "DEC" => number(cursor)?,
        "INT" | "INTEGER" | "BIGINT" | "SMALLINT" | "TINYINT" | "BYTEINT" => SnowflakeType::INTEGER,
        "DOUBLE" => {
            cursor.accept("PRECISION");
            SnowflakeType::Float
        }
        "FLOAT" | "FLOAT4" | "FLOAT8" | "REAL" => SnowflakeType::Float,
        "VARCHAR" | "STRING" | "TEXT" | "NVARCHAR" | "NVARCHAR2" | "CHAR VARYING" => {
            SnowflakeType::Varchar {
                length: arguments(cursor)?.0.unwrap_or(MAX_VARCHAR_LENGTH),
            }
        }
        "CHAR" | "CHARACTER" | "NCHAR" => {
            cursor.accept("VARYING");
            SnowflakeType::Varchar {
                length: arguments(cursor)?.0.unwrap_or(1),
            }
        }
        "BINARY" | "VARBINARY" => SnowflakeType::Binary {
            length: arguments(cursor)?.0.unwrap_or(MAX_BINARY_LENGTH),
        },
        "BOOLEAN" | "BOOL" => SnowflakeType::Boolean,
        "DATE" => SnowflakeType::Date,
        "TIME" => SnowflakeType::Time {
            scale: scale(cursor)?,
        },
        "DATETIME" | "TIMESTAMP_NTZ" | "TIMESTAMPNTZ" => SnowflakeType::TimestampNtz {
            scale: scale(cursor)?,
        },
        "TIMESTAMP" => {
            let scale = scale(cursor)?;
            if cursor.accept("WITH LOCAL TIME ZONE") {
                SnowflakeType::TimestampLtz { scale }
            } else if cursor.accept("WITH TIME ZONE") {
                SnowflakeType::TimestampTz { scale }
            } else {
                cursor.accept("WITHOUT TIME ZONE");
                SnowflakeType::TimestampNtz { scale }
            }
        }
        "TIMESTAMP_LTZ" | "TIMESTAMPLTZ" => SnowflakeType::TimestampLtz {
            scale: scale(cursor)?,
        },
        "TIMESTAMP_TZ" | "TIMESTAMPTZ" => SnowflakeType::TimestampTz {
            scale: scale(cursor)?,
        },
        "VARIANT" => SnowflakeType::Variant,
        "OBJECT" => SnowflakeType::Object,
        "ARRAY" => SnowflakeType::Array,
        "GEOGRAPHY" | "GEOMETRY" | "VECTOR" | "MAP" | "DECFLOAT" | "FILE" | "UUID" => {
            return Err(SnowflakeError::unsupported(word));
        }
        _ => {
            return Err(SnowflakeError::new(
                "002040",
                "42601",
                format!("SQL compilation error:\nUnsupported data type '{word}'."),
            ));
        }
    };
    Ok(kind)
}

/// `NUMBER` with its precision and scale.
fn number(cursor: &mut Cursor<'_>) -> Result<SnowflakeType> {
    let (precision, scale) = arguments(cursor)?;
    let precision = precision.unwrap_or(38);
    let scale = scale.unwrap_or(0);
    if precision == 0 || precision > 38 || scale > precision.min(37) {
        return Err(SnowflakeError::compilation(format!(
            "invalid precision or scale in NUMBER({precision},{scale})"
        )));
    }
    Ok(SnowflakeType::Number {
        precision: small(precision),
        scale: small(scale),
    })
}

/// Reads a type from text.
///
/// # Errors
/// As [`parse`].
pub fn parse_text(text: &str) -> Result<SnowflakeType> {
    let lexemes = lex(text)?;
    let mut cursor = Cursor::new(text, &lexemes);
    let kind = parse(&mut cursor)?;
    cursor.end()?;
    Ok(kind)
}

fn small(number: u64) -> u8 {
    u8::try_from(number).unwrap_or(38)
}

fn scale(cursor: &mut Cursor<'_>) -> Result<u8> {
    let scale = arguments(cursor)?.0.unwrap_or(9);
    if scale > 9 {
        Err(SnowflakeError::compilation(format!(
            "invalid scale {scale}"
        )))
    } else {
        Ok(small(scale))
    }
}

fn arguments(cursor: &mut Cursor<'_>) -> Result<(Option<u64>, Option<u64>)> {
    if !cursor.accept_token(&Token::LParen) {
        return Ok((None, None));
    }
    let first = cursor.integer()?;
    let second = if cursor.accept_token(&Token::Comma) {
        Some(cursor.integer()?)
    } else {
        None
    };
    cursor.expect_token(&Token::RParen)?;
    Ok((
        u64::try_from(first).ok(),
        second.and_then(|s| u64::try_from(s).ok()),
    ))
}

/// The DuckDB type that holds it.
pub fn duckdb(kind: &SnowflakeType) -> String {
    match kind {
        SnowflakeType::Number { precision, scale } => format!("decimal({precision},{scale})"),
        SnowflakeType::Float => "double".to_owned(),
        SnowflakeType::Varchar { .. } => "varchar".to_owned(),
        SnowflakeType::Binary { .. } => "blob".to_owned(),
        SnowflakeType::Boolean => "boolean".to_owned(),
        SnowflakeType::Date => "date".to_owned(),
        SnowflakeType::Time { .. } => "time".to_owned(),
        SnowflakeType::TimestampNtz { .. } => "timestamp".to_owned(),
        SnowflakeType::TimestampLtz { .. } => "timestamptz".to_owned(),
        // See `timestamp_tz.sql`.
        SnowflakeType::TimestampTz { .. } => "interval".to_owned(),
        SnowflakeType::Variant | SnowflakeType::Object | SnowflakeType::Array => "json".to_owned(),
    }
}

/// The expression as a value of a column of this type: converted, and refused where it does not fit.
pub fn store(expr: &Sql, kind: &SnowflakeType) -> Sql {
    let template = match kind {
        SnowflakeType::Varchar { length } if *length < MAX_VARCHAR_LENGTH => {
            let length = Sql::integer(*length);
            return Sql::of("sf_fit(sf_text({0}), {1})", &[expr.clone(), length]);
        }
        SnowflakeType::Varchar { .. } => "sf_text({0})",
        SnowflakeType::Variant | SnowflakeType::Object | SnowflakeType::Array => "sf_variant({0})",
        SnowflakeType::TimestampNtz { scale } => {
            return cut(
                Sql::of("sf_timestamp({0})", std::slice::from_ref(expr)),
                *scale,
            );
        }
        SnowflakeType::TimestampLtz { scale } => {
            return cut(
                Sql::of("sf_timestamp_ltz({0})", std::slice::from_ref(expr)),
                *scale,
            );
        }
        SnowflakeType::TimestampTz { .. } => "sf_timestamp_tz({0})",
        SnowflakeType::Date => "cast(sf_local({0}) as date)",
        SnowflakeType::Time { scale } => {
            let time = "cast(sf_local({0}) as time)";
            return cut(Sql::of(time, std::slice::from_ref(expr)), *scale);
        }
        SnowflakeType::Binary { .. } => "sf_binary({0})",
        _ => {
            let kind = Sql::written(duckdb(kind));
            return Sql::of("cast({0} as {1})", &[expr.clone(), kind]);
        }
    };
    Sql::of(template, std::slice::from_ref(expr))
}

/// The moment without the decimals that its type does not have. DuckDB's have six.
fn cut(moment: Sql, scale: u8) -> Sql {
    match 6_u32.checked_sub(scale.into()) {
        None | Some(0) => moment,
        Some(fewer) => Sql::of(
            "sf_cut({0}, {1})",
            &[moment.grouped(), Sql::integer(10_i64.pow(fewer))],
        ),
    }
}

/// The same where DuckDB's name of the expression's type is known: what has the column's type already is taken as it is, as binding
/// a conversion takes DuckDB longer than running it over a few rows.
pub fn store_from(expr: &Sql, found: &str, kind: &SnowflakeType) -> Sql {
    let has_it = match kind {
        SnowflakeType::TimestampLtz { .. } => found == "TIMESTAMP WITH TIME ZONE",
        _ => found.eq_ignore_ascii_case(&duckdb(kind)),
    };
    match kind {
        // It fails with the type's name then.
        SnowflakeType::Boolean | SnowflakeType::Float if found == "JSON" => cast(expr, kind, false),
        _ if !has_it => store(expr, kind),
        SnowflakeType::TimestampNtz { scale }
        | SnowflakeType::TimestampLtz { scale }
        | SnowflakeType::Time { scale } => cut(expr.clone(), *scale),
        SnowflakeType::Varchar { length } if *length < MAX_VARCHAR_LENGTH => {
            Sql::of("sf_fit({0}, {1})", &[expr.clone(), Sql::integer(*length)])
        }
        _ => expr.clone(),
    }
}

/// The expression after an explicit `CAST` or `::`, which cuts a text that is too long.
pub fn cast(expr: &Sql, kind: &SnowflakeType, is_try: bool) -> Sql {
    let either = |cast: &'static str, try_cast: &'static str| match is_try {
        true => try_cast,
        false => cast,
    };
    let template = match kind {
        SnowflakeType::Varchar { length } if *length < MAX_VARCHAR_LENGTH => {
            let length = Sql::integer(*length);
            return Sql::of("left(sf_text({0}), {1})", &[expr.clone(), length]);
        }
        SnowflakeType::Varchar { .. } => "sf_text({0})",
        SnowflakeType::Variant | SnowflakeType::Object | SnowflakeType::Array => "sf_variant({0})",
        SnowflakeType::TimestampNtz { .. }
        | SnowflakeType::TimestampLtz { .. }
        | SnowflakeType::TimestampTz { .. } => {
            let moment = store(expr, kind);
            return match is_try {
                true => Sql::of("try({0})", &[moment]),
                false => moment,
            };
        }
        SnowflakeType::Date if !is_try => {
            let date = "cast(sf_local({0}) as date)";
            return Sql::of(date, std::slice::from_ref(expr)).into_date();
        }
        SnowflakeType::Date => "try_cast(sf_local({0}) as date)",
        SnowflakeType::Time { scale } => {
            let template = either(
                "cast(sf_local({0}) as time)",
                "try_cast(sf_local({0}) as time)",
            );
            return cut(Sql::of(template, std::slice::from_ref(expr)), *scale);
        }
        SnowflakeType::Boolean => either(
            "cast(sf_boolean({0}) as boolean)",
            "try_cast(sf_boolean({0}) as boolean)",
        ),
        SnowflakeType::Number { .. } | SnowflakeType::Float => {
            let template = either(
                "cast(sf_number_text({0}) as {1})",
                "try_cast(sf_number_text({0}) as {1})",
            );
            return Sql::of(template, &[expr.clone(), Sql::written(duckdb(kind))]);
        }
        SnowflakeType::Binary { .. } => either("sf_binary({0})", "try(sf_binary({0}))"),
    };
    Sql::of(template, std::slice::from_ref(expr))
}
