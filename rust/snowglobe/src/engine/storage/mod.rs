//! DuckDB: opening it, running SQL on it, and saying its errors in Snowflake's words. It knows no Snowflake statement.

pub mod calls;
pub mod cancel;
mod errors;

use std::path::Path;

use duckdb::core::LogicalTypeId;
use duckdb::types::{TimeUnit, ValueRef};
use duckdb::{Config, Connection};

use crate::types::error::{Result, SnowflakeError};
use crate::types::stack;
use crate::types::value::{ColumnMeta, MAX_BINARY_LENGTH, SnowflakeType, Value};
use errors::from_duckdb;

/// Rows with their columns.
#[derive(Clone, Debug)]
pub struct Rows {
    pub columns: Vec<ColumnMeta>,
    pub rows: Vec<Vec<Value>>,
}

/// The stamp of a row version that nothing has ended.
pub const ALIVE: i64 = i64::MAX;

/// What every row version carries beside its columns: which row it is a version of, and the commits between which it is there.
pub const HIDDEN_COLUMNS: &str = "_rid bigint default nextval('row_ids'), _begin bigint, _end bigint default 9223372036854775807, _updated boolean default false";

const TABLES: &str = "
    create sequence if not exists row_ids;
    create table if not exists sys_objects(id ubigint primary key, body varchar);
    create table if not exists sys_access(body varchar);
    create table if not exists sys_commits(seq bigint, at_micros bigint);
    create table if not exists sys_offsets(stream ubigint primary key, seq bigint, at_micros bigint);
    create table if not exists sys_loads(target ubigint, pipe ubigint, location varchar, path varchar, etag varchar, size bigint,
        modified_micros bigint, loaded_micros bigint, received_micros bigint, parsed bigint, loaded bigint, errors bigint, error_limit bigint, first_error varchar,
        first_error_line bigint, first_error_character bigint, first_error_column varchar, status varchar, counts boolean);
    create table if not exists sys_pipe_queue(id bigint, pipe ubigint, path varchar, received_micros bigint);
    create table if not exists sys_pipe_errors(pipe ubigint, loaded_micros bigint, error varchar, file varchar, line bigint, \"character\" bigint, byte_offset bigint,
        category varchar, code bigint, sql_state varchar, column_name varchar, row_number bigint, row_start_line bigint, rejected_record varchar);
    create table if not exists sys_trust(role varchar primary key, principal varchar, external_id varchar);
    create table if not exists sys_task_runs(task ubigint, name varchar, database_name varchar, schema_name varchar, query_id varchar, query_text varchar,
        state varchar, error_code varchar, error_message varchar, scheduled_micros bigint, started_micros bigint, completed_micros bigint,
        root ubigint, run_id bigint, scheduled_from varchar, return_value varchar);
    alter table sys_task_runs add column if not exists attempt bigint default 1;
    create table if not exists sys_metering(warehouse varchar, start_micros bigint, end_micros bigint, seconds double, credits double);";

/// A checkpoint in the midst of a commit holds everybody up. In memory it has nothing to save: what the vacuum leaves is swept up by one of its own.
const IN_MEMORY: &str =
    "set global checkpoint_threshold = '1TB'; set global force_compression = 'uncompressed'";
const ON_DISK: &str = "set global checkpoint_threshold = '256MB'";

/// The only settings that a statement of Snowglobe's own changes; all others stay as they are once the database is open.
const LOCKED: &str = "
    set global default_null_order = 'nulls_last_on_asc_first_on_desc';
    set global allowed_configs = ['timezone', 'preserve_insertion_order'];
    set global lock_configuration = true";

/// Opens the data file, or a database in memory. DuckDB reaches no file but its own, and loads no extension: the bytes of staged files come to it
/// through `sf_csv` and the appender.
pub fn open(data_dir: Option<&Path>) -> Result<Connection> {
    let config = |spill: &Path| {
        // The folder for spilling first: without external access it can no longer be chosen.
        Config::default()
            .with("temp_directory", spill.to_string_lossy())?
            .enable_external_access(false)?
            .enable_autoload_extension(false)?
            .with("allow_community_extensions", "false")
    };
    let connection = match data_dir {
        None => {
            let spill = std::env::temp_dir().join(format!("snowglobe-{}", uuid::Uuid::new_v4()));
            config(&spill).and_then(Connection::open_in_memory_with_flags)
        }
        Some(dir) => {
            std::fs::create_dir_all(dir)
                .map_err(|e| SnowflakeError::internal(format!("{}: {e}", dir.display())))?;
            config(&dir.join("spill"))
                .and_then(|c| Connection::open_with_flags(dir.join("snowglobe.duckdb"), c))
        }
    }
    .map_err(SnowflakeError::internal)?;
    let threshold = match data_dir {
        Some(_) => ON_DISK,
        None => IN_MEMORY,
    };
    let macros = [
        include_str!("prelude.sql"),
        include_str!("timestamp_tz.sql"),
    ];
    for sql in [threshold, TABLES, macros[0], macros[1], LOCKED] {
        connection
            .execute_batch(sql)
            .map_err(SnowflakeError::internal)?;
    }
    Ok(connection)
}

/// Runs statements that answer nothing.
pub fn run(connection: &Connection, sql: &str) -> Result<()> {
    log::trace!("{sql}");
    stack::with_room(|| connection.execute_batch(sql)).map_err(|e| from_duckdb(&e.to_string()))
}

/// Runs one statement and says how many rows it touched.
pub fn change(connection: &Connection, sql: &str) -> Result<u64> {
    log::trace!("{sql}");
    stack::with_room(|| connection.execute(sql, []))
        .map(|n| n as u64)
        .map_err(|e| from_duckdb(&e.to_string()))
}

/// Runs a query.
pub fn query(connection: &Connection, sql: &str) -> Result<Rows> {
    stack::with_room(|| rows_of(connection, sql))
}

fn rows_of(connection: &Connection, sql: &str) -> Result<Rows> {
    log::trace!("{sql}");
    let failed = |e: duckdb::Error| from_duckdb(&e.to_string());
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut found = statement.query([]).map_err(failed)?;
    let columns = found.as_ref().map(columns_of).unwrap_or_default();
    // A column of bare nulls has a type of its own, which the driver cannot read.
    let untyped: Vec<_> = found.as_ref().map_or_else(Vec::new, |statement| {
        let is_null = |at| statement.column_logical_type(at).id() == LogicalTypeId::SqlNull;
        (0..columns.len()).map(is_null).collect()
    });
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(failed)? {
        let mut values = Vec::with_capacity(columns.len());
        for (at, column) in columns.iter().enumerate() {
            if untyped[at] {
                values.push(Value::Null);
                continue;
            }
            values.push(value(row.get_ref(at).map_err(failed)?, &column.kind)?);
        }
        rows.push(values);
    }
    Ok(Rows { columns, rows })
}

/// The first column of the first row as a whole number; 0 without a row.
pub fn count(connection: &Connection, sql: &str) -> Result<i64> {
    match query(connection, sql)?
        .rows
        .first()
        .and_then(|row| row.first())
    {
        Some(Value::Number(number)) => i64::try_from(*number).map_err(SnowflakeError::internal),
        Some(Value::Boolean(yes)) => Ok(i64::from(*yes)),
        _ => Ok(0),
    }
}

/// The columns that a query returns, each with DuckDB's name of its type; the query does not run.
pub fn types_of(connection: &Connection, sql: &str) -> Result<Vec<(String, String)>> {
    let described = query(
        connection,
        &format!("select column_name, column_type from (describe {sql})"),
    )?;
    let pair = |row: Vec<Value>| {
        let mut texts = row.into_iter().map(|value| match value {
            Value::Text(text) => text,
            _ => String::new(),
        });
        (
            texts.next().unwrap_or_default(),
            texts.next().unwrap_or_default(),
        )
    };
    Ok(described.rows.into_iter().map(pair).collect())
}

fn columns_of(statement: &duckdb::Statement<'_>) -> Vec<ColumnMeta> {
    let names = statement.column_names();
    let kind = |at| {
        let logical = statement.column_logical_type(at);
        match logical.id() {
            LogicalTypeId::Boolean => SnowflakeType::Boolean,
            LogicalTypeId::Decimal => SnowflakeType::Number {
                precision: logical.decimal_width(),
                scale: logical.decimal_scale(),
            },
            LogicalTypeId::Bigint => SnowflakeType::Number {
                precision: 18,
                scale: 0,
            },
            LogicalTypeId::Tinyint
            | LogicalTypeId::Smallint
            | LogicalTypeId::Integer
            | LogicalTypeId::Hugeint
            | LogicalTypeId::UTinyint
            | LogicalTypeId::USmallint
            | LogicalTypeId::UInteger
            | LogicalTypeId::UBigint
            | LogicalTypeId::UHugeint => SnowflakeType::INTEGER,
            LogicalTypeId::Float | LogicalTypeId::Double => SnowflakeType::Float,
            LogicalTypeId::Date => SnowflakeType::Date,
            LogicalTypeId::Time => SnowflakeType::Time { scale: 9 },
            LogicalTypeId::Timestamp
            | LogicalTypeId::TimestampS
            | LogicalTypeId::TimestampMs
            | LogicalTypeId::TimestampNs => SnowflakeType::NTZ,
            LogicalTypeId::TimestampTZ => SnowflakeType::LTZ,
            LogicalTypeId::Interval => SnowflakeType::TZ,
            LogicalTypeId::Blob => SnowflakeType::Binary {
                length: MAX_BINARY_LENGTH,
            },
            _ if logical
                .get_alias()
                .is_some_and(|a| a.eq_ignore_ascii_case("json")) =>
            {
                SnowflakeType::Variant
            }
            _ => SnowflakeType::TEXT,
        }
    };
    names
        .into_iter()
        .enumerate()
        .map(|(at, name)| ColumnMeta::new(name, kind(at)))
        .collect()
}

fn value(found: ValueRef<'_>, kind: &SnowflakeType) -> Result<Value> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(match found {
        ValueRef::Null => Value::Null,
        ValueRef::Boolean(yes) => Value::Boolean(yes),
        ValueRef::TinyInt(n) => Value::Number(n.into()),
        ValueRef::SmallInt(n) => Value::Number(n.into()),
        ValueRef::Int(n) => Value::Number(n.into()),
        ValueRef::BigInt(n) => Value::Number(n.into()),
        ValueRef::HugeInt(n) => Value::Number(n),
        ValueRef::UTinyInt(n) => Value::Number(n.into()),
        ValueRef::USmallInt(n) => Value::Number(n.into()),
        ValueRef::UInt(n) => Value::Number(n.into()),
        ValueRef::UBigInt(n) => Value::Number(n.into()),
        ValueRef::Decimal(decimal) => Value::Number(decimal.value()),
        ValueRef::Float(n) => Value::Float(n.into()),
        ValueRef::Double(n) => Value::Float(n),
        ValueRef::Timestamp(unit, n) if matches!(kind, SnowflakeType::TimestampLtz { .. }) => {
            Value::TimestampLtz(micros(unit, n))
        }
        ValueRef::Timestamp(unit, n) => Value::TimestampNtz(micros(unit, n)),
        ValueRef::Date32(days) => Value::Date(days),
        ValueRef::Time64(unit, n) => Value::Time(micros(unit, n)),
        ValueRef::Text(bytes) if matches!(kind, SnowflakeType::Variant) => match bytes {
            b"null" => Value::Json("null".to_owned()),
            _ => Value::Json(text(bytes)),
        },
        ValueRef::Text(bytes) => Value::Text(text(bytes)),
        ValueRef::Blob(bytes) => Value::Binary(bytes.to_vec()),
        ValueRef::Interval {
            months,
            days,
            nanos,
        } => timestamp_tz(months, days, nanos)?,
        other => {
            return Err(SnowflakeError::unsupported(format!(
                "a result of type {}",
                other.data_type()
            )));
        }
    })
}

/// A `TIMESTAMP_TZ` out of the interval that holds it, as `timestamp_tz.sql` says.
fn timestamp_tz(months: i32, days: i32, nanos: i64) -> Result<Value> {
    const DAY_MICROS: i64 = 86_400_000_000;
    let offset_minutes = months - 1440;
    let day = i64::from(days) + 30 * i64::from(months) - 800_000;
    // No interval of a query is as long as the days since the year 1, less 800,000.
    if offset_minutes.abs() > 1080 || day < -719_528 || days < 0 || nanos < 0 {
        return Err(SnowflakeError::unsupported("an INTERVAL as a value"));
    }
    Ok(Value::TimestampTz {
        micros: day * DAY_MICROS + nanos / 1000,
        offset_minutes,
    })
}

fn micros(unit: TimeUnit, n: i64) -> i64 {
    match unit {
        TimeUnit::Second => n.saturating_mul(1_000_000),
        TimeUnit::Millisecond => n.saturating_mul(1_000),
        TimeUnit::Microsecond => n,
        TimeUnit::Nanosecond => n.div_euclid(1_000),
    }
}
