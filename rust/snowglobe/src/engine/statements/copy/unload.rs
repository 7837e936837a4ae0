//! COPY INTO a location: what a table holds, or a query returns, as files.

use duckdb::Connection;
use sqlparser::tokenizer::Token;

use super::writer::{Column, Writer, extension};
use crate::engine::compile::Variables;
use crate::engine::compile::{Context, take_stage};
use crate::engine::files::formats;
use crate::engine::files::formats::Format;
use crate::engine::session::Session;
use crate::engine::state::shared::Shared;
use crate::engine::statements::dml;
use crate::engine::statements::identifiers;
use crate::engine::statements::stages;
use crate::engine::statements::stages::Location;
use crate::engine::storage;
use crate::object_store::INTERNAL_BUCKET;
use crate::sql::cursor::{Cursor, literal};
use crate::sql::functions::shown_format;
use crate::sql::properties::Properties;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, ColumnMeta, QueryResult, SnowflakeType, StatementKind, Value};

/// The default of MAX_FILE_SIZE, in bytes.
const MAX_FILE_SIZE: usize = 16 * 1024 * 1024;

/// A parsed statement.
struct Unload {
    query: String,
    location: Location,
    format: Format,
    has_header: bool,
    overwrites: bool,
    is_single: bool,
    max_bytes: usize,
    is_detailed: bool,
}

/// A row's values as texts.
type Row = Vec<Option<String>>;

/// A file to be written, packed, with how many rows it holds.
struct Content {
    bytes: Vec<u8>,
    rows: u64,
}

/// A file that was written.
struct Written {
    key: String,
    size: usize,
    rows: u64,
}

/// The files of an unload, and how long they are unpacked in all.
struct Done {
    files: Vec<Written>,
    bytes: usize,
}

/// Runs what follows `COPY INTO` where a location follows.
pub(super) fn run(
    session: &mut Session,
    cursor: Cursor<'_>,
    binds: &Binds,
    variables: &Variables,
) -> Result<QueryResult> {
    let unload = parse(session, cursor, binds, variables)?;
    let (query, binds) = identifiers::resolve(session, &unload.query, binds, variables)?;
    let done = stages::with_staged(session, &query, &binds, variables, |session| {
        let context = session.context(&binds, variables);
        let compiled = context.query(&query)?;
        if compiled.streams.is_empty() {
            return unload.done(&context, &compiled.sql);
        }
        // "CREATE STREAM": it moves on where a transaction unloads it, as with any DML.
        let locks = dml::stream_locks(&context, &compiled.streams);
        drop(context);
        session.write(&locks, &binds, variables, |context, _, effects| {
            let compiled = context.query(&query)?;
            effects.streams.extend(&compiled.streams);
            unload.done(context, &compiled.sql)
        })
    })?;
    // A pipe writes down what it is to load, for which the statement must have written.
    if unload.location.bucket != INTERNAL_BUCKET {
        for file in &done.files {
            let created = session.wiring.object_created;
            created(&session.runtime(), &unload.location.bucket, &file.key);
        }
    }
    Ok(answer(&unload, &done))
}

fn parse(
    session: &Session,
    mut cursor: Cursor<'_>,
    binds: &Binds,
    variables: &Variables,
) -> Result<Unload> {
    let context = session.context(binds, variables);
    let marker = match cursor.text() {
        Ok(address) => address,
        Err(_) => take_stage(&mut cursor)?,
    };
    let location = stages::locate_to_write(&context, &marker)?;
    cursor.expect("FROM")?;
    let query = if cursor.peek().is_some_and(|l| l.token == Token::LParen) {
        cursor.parenthesized()?.0.to_owned()
    } else {
        format!("select * from {}", cursor.name()?)
    };
    if cursor.at_words("PARTITION BY") {
        return Err(SnowflakeError::unsupported(
            "COPY INTO a location with PARTITION BY",
        ));
    }
    let mut p = Properties::parse(&mut cursor)?;
    cursor.end()?;
    let integration = p.take_text("STORAGE_INTEGRATION")?;
    let location = location.through(&context, integration.as_deref())?;
    let options = p
        .take("FILE_FORMAT")
        .map(formats::option_text)
        .transpose()?
        .unwrap_or_default();
    let format = stages::format_for(&context, &location, &options)?;
    let unload = Unload {
        query,
        location,
        format,
        has_header: p.take_bool("HEADER")?.unwrap_or(false),
        overwrites: p.take_bool("OVERWRITE")?.unwrap_or(false),
        is_single: p.take_bool("SINGLE")?.unwrap_or(false),
        max_bytes: match p.take_integer("MAX_FILE_SIZE")? {
            Some(bytes) => usize::try_from(bytes).ok().filter(|b| *b > 0).ok_or_else(|| {
                SnowflakeError::new(
                    "001008",
                    "22023",
                    format!("SQL compilation error:\ninvalid value [{bytes}] for parameter 'MAX_FILE_SIZE'"),
                )
            })?,
            None => MAX_FILE_SIZE,
        },
        is_detailed: p.take_bool("DETAILED_OUTPUT")?.unwrap_or(false),
    };
    p.take_default("INCLUDE_QUERY_ID", "FALSE")?;
    p.refuse(&["VALIDATION_MODE", "CREDENTIALS", "ENCRYPTION"])?;
    p.end()?;
    Ok(unload)
}

/// The columns of a query of DuckDB's, and its rows as texts of the format.
fn as_texts(
    connection: &Connection,
    sql: &str,
    format: &Format,
) -> Result<(Vec<Column>, Vec<Row>)> {
    let mut found = storage::types_of(connection, sql)?;
    // DESCRIBE takes the name of a column for an alias that differs only in case.
    let empty = storage::query(connection, &format!("select * from ({sql}) limit 0"))?;
    for ((name, _), column) in found.iter_mut().zip(empty.columns) {
        *name = column.name;
    }
    if format.is_json && !matches!(found.as_slice(), [(_, kind)] if kind == "JSON") {
        return Err(SnowflakeError::compilation(
            "JSON files are made of one column of type VARIANT, OBJECT or ARRAY, as OBJECT_CONSTRUCT(*) gives it",
        ));
    }
    let mut texts = Vec::new();
    for (at, (_, kind)) in found.iter().enumerate() {
        let pattern = match kind.as_str() {
            "DATE" => &format.date_format,
            "TIME" => &format.time_format,
            "TIMESTAMP" | "TIMESTAMP WITH TIME ZONE" | "INTERVAL" => &format.timestamp_format,
            _ => &None,
        };
        texts.push(match pattern {
            Some(pattern) => {
                let pattern = literal(&shown_format(pattern)?);
                let moment = match kind.as_str() {
                    "TIME" => format!("(date '1970-01-01' + c{at})"),
                    _ => format!("c{at}"),
                };
                format!("sf_strftime({moment}, {pattern})")
            }
            // A VARIANT's text keeps its quotes.
            None if kind == "JSON" => format!("json(c{at})::varchar"),
            None => format!("sf_text(c{at})"),
        });
    }
    let names: Vec<String> = (0..found.len()).map(|at| format!("c{at}")).collect();
    let sql = format!(
        "select {} from ({sql}) as unloaded({})",
        texts.join(", "),
        names.join(", ")
    );
    let rows = storage::query(connection, &sql)?.rows;
    let text = |value| match value {
        Value::Text(text) => Some(text),
        _ => None,
    };
    let rows = rows
        .into_iter()
        .map(|row| row.into_iter().map(text).collect())
        .collect();
    let is_number = |kind: &str| {
        kind.starts_with("DECIMAL")
            || ["BOOLEAN", "DOUBLE", "BIGINT", "INTEGER", "HUGEINT"].contains(&kind)
    };
    let columns = found.into_iter().map(|(name, kind)| Column {
        name,
        is_text: !is_number(&kind),
    });
    Ok((columns.collect(), rows))
}

impl Unload {
    /// Writes the files of a query of DuckDB's.
    fn done(&self, context: &Context<'_>, sql: &str) -> Result<Done> {
        let (columns, rows) = as_texts(context.connection, sql, &self.format)?;
        let (files, bytes) = self.files(&columns, &rows)?;
        let files = self.write(&context.environment.shared, files)?;
        Ok(Done { files, bytes })
    }

    /// The files, and how long they are unpacked in all.
    fn files(&self, columns: &[Column], rows: &[Row]) -> Result<(Vec<Content>, usize)> {
        let new = || {
            let mut writer = Writer::new(&self.format);
            if self.has_header && !self.format.is_json {
                writer.header(columns);
            }
            writer
        };
        let (mut files, mut bytes) = (Vec::new(), 0);
        let mut writer = new();
        for row in rows {
            if writer.rows > 0 && writer.len() >= self.max_bytes {
                if self.is_single {
                    return Err(SnowflakeError::new(
                        "100094",
                        "22000",
                        format!(
                            "Max file size ({}) exceeded for unload single file mode. Please increase MAX_FILE_SIZE copy option to unload in single file mode.",
                            self.max_bytes
                        ),
                    ));
                }
                let full = std::mem::replace(&mut writer, new());
                bytes += full.len();
                let rows = full.rows;
                files.push(Content {
                    bytes: full.finish()?,
                    rows,
                });
            }
            writer.row(columns, row);
        }
        if writer.rows > 0 {
            bytes += writer.len();
            let rows = writer.rows;
            files.push(Content {
                bytes: writer.finish()?,
                rows,
            });
        }
        Ok((files, bytes))
    }

    /// The key of the file with that number: a path that ends with a slash is a folder, any other begins the name.
    fn key(&self, number: usize) -> String {
        let path = self.location.path.as_str();
        let is_folder = path.is_empty() || path.ends_with('/');
        let name = match (self.is_single, is_folder) {
            (true, true) => "data".to_owned(),
            (true, false) => String::new(),
            (false, true) => format!("data_0_{number}_0{}", extension(&self.format)),
            (false, false) => {
                let joint = if path.ends_with('_') { "" } else { "_" };
                format!("{joint}0_{number}_0{}", extension(&self.format))
            }
        };
        self.location.key(&name)
    }

    fn write(&self, shared: &Shared, files: Vec<Content>) -> Result<Vec<Written>> {
        let store = &shared.options.object_store;
        let bucket = &self.location.bucket;
        // Whether the bucket is there.
        let present = self.location.list(shared)?;
        let keys: Vec<String> = (0..files.len()).map(|number| self.key(number)).collect();
        if !self.overwrites && present.iter().any(|file| keys.contains(&file.key)) {
            return Err(SnowflakeError::new(
                "001020",
                "22000",
                format!(
                    "SQL execution error: Files already existing at the unload destination: {}. Use overwrite option to force unloading.",
                    self.location.show(&self.location.key(""))
                ),
            ));
        }
        let mut written = Vec::new();
        for (key, content) in keys.into_iter().zip(files) {
            store
                .put(bucket, &key, &content.bytes)
                .map_err(SnowflakeError::internal)?;
            written.push(Written {
                key,
                size: content.bytes.len(),
                rows: content.rows,
            });
        }
        Ok(written)
    }
}

fn answer(unload: &Unload, done: &Done) -> QueryResult {
    let (written, bytes) = (&done.files, done.bytes);
    let number = |n: u64| Value::Number(n.into());
    let size = |bytes: usize| number(bytes as u64);
    let meta = |name: &str| ColumnMeta::new(name, SnowflakeType::INTEGER);
    let (columns, rows) = if unload.is_detailed {
        let row = |file: &Written| {
            let name = unload.location.show(&file.key);
            vec![Value::Text(name), size(file.size), number(file.rows)]
        };
        let name = ColumnMeta::new("FILE_NAME", SnowflakeType::TEXT);
        (
            vec![name, meta("FILE_SIZE"), meta("ROW_COUNT")],
            written.iter().map(row).collect(),
        )
    } else {
        let row = vec![
            number(written.iter().map(|file| file.rows).sum()),
            size(bytes),
            size(written.iter().map(|file| file.size).sum()),
        ];
        let columns = ["rows_unloaded", "input_bytes", "output_bytes"];
        (columns.map(meta).to_vec(), vec![row])
    };
    QueryResult {
        columns,
        rows,
        kind: StatementKind::Copy,
        ..QueryResult::default()
    }
}
