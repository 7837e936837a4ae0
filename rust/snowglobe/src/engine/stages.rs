//! Stages: where they lead, what lies there, and reading their files into temporary tables for queries and COPY.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use duckdb::Connection;
use sqlparser::tokenizer::Token;

use super::catalog::{Body, Kind, Stage};
use super::compile::{Context, stage_marker, take_stage};
use super::csv::{Fault, Reader};
use super::dml::Variables;
use super::error::{Result, SnowflakeError};
use super::formats::{self, Compression, Format};
use super::objects::{INTERNAL_BUCKET, ObjectMeta};
use super::session::Session;
use super::shared::Shared;
use super::storage;
use super::value::{Binds, ColumnMeta, QueryResult, SnowflakeType, StatementKind, Value};
use crate::sql::cursor::{Cursor, Name, quoted};
use crate::sql::properties::Properties;
use crate::sql::tokens::lex;

/// A place in a stage.
#[derive(Clone, Debug)]
pub struct Location {
    /// The stage's id; none for a bare `s3://` address.
    pub stage: Option<u64>,
    pub bucket: String,
    /// What the stage's own address adds to every key, with its closing slash.
    pub base: String,
    /// The path below it.
    pub path: String,
    /// How results show it: `s3://bucket/` or the stage's name.
    pub shown: String,
    /// The stage's file format.
    pub format: String,
}

impl Location {
    /// The key of a file named relative to the path.
    pub fn key(&self, file: &str) -> String {
        format!("{}{}{file}", self.base, self.path)
    }

    /// A key as results show it.
    pub fn show(&self, key: &str) -> String {
        match self.stage {
            Some(_) if self.bucket == INTERNAL_BUCKET => format!(
                "{}/{}",
                self.shown,
                key.strip_prefix(&self.base).unwrap_or(key)
            ),
            _ => format!("s3://{}/{key}", self.bucket),
        }
    }

    /// The files there, by key.
    ///
    /// # Errors
    /// If the bucket is not there.
    pub fn list(&self, shared: &Shared) -> Result<Vec<ObjectMeta>> {
        let store = &shared.options.object_store;
        if self.bucket != INTERNAL_BUCKET && !store.bucket_exists(&self.bucket) {
            return Err(SnowflakeError::new(
                "100178",
                "22000",
                format!(
                    "Failure using stage area. Cause: [The specified bucket does not exist: {} (Status Code: 404; Error Code: NoSuchBucket)]",
                    self.bucket
                ),
            ));
        }
        let prefix = format!("{}{}", self.base, self.path);
        store
            .list(&self.bucket, &prefix)
            .map_err(SnowflakeError::internal)
    }
}

/// Resolves `@stage/path` or `'s3://…'`.
///
/// # Errors
/// If there is no such stage, or the role may not use it.
pub fn locate(context: &Context<'_>, text: &str) -> Result<Location> {
    if let Some(rest) = text.strip_prefix("s3://") {
        let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
        return Ok(Location {
            stage: None,
            bucket: bucket.to_owned(),
            base: String::new(),
            path: path.to_owned(),
            shown: format!("s3://{bucket}"),
            format: String::new(),
        });
    }
    let rest = text
        .strip_prefix('@')
        .ok_or_else(|| SnowflakeError::compilation(format!("'{text}' is no stage")))?;
    if rest.starts_with('~') || rest.starts_with('%') {
        return Err(SnowflakeError::unsupported(format!(
            "stage '{text}': only named stages are known here"
        )));
    }
    let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
    let object = context.find(Kind::Stage, &Name::parse(name)?)?;
    let Body::Stage(stage) = &object.body else {
        return Err(SnowflakeError::missing("Stage", name));
    };
    let privilege = if stage.url.is_some() { "USAGE" } else { "READ" };
    context.require(&object, privilege)?;
    let mut location = location_of(object.id, object.short(), stage)?;
    path.clone_into(&mut location.path);
    if let Some(integration) = &stage.integration {
        check_integration(context, integration, stage)?;
    }
    Ok(location)
}

/// Where a stage leads.
///
/// # Errors
/// If its address is none.
pub fn location_of(id: u64, short: &str, stage: &Stage) -> Result<Location> {
    let format = stage.file_format.clone();
    let shown = short.to_lowercase();
    let Some(url) = &stage.url else {
        let base = format!("{id}/");
        return Ok(Location {
            stage: Some(id),
            bucket: INTERNAL_BUCKET.to_owned(),
            base,
            path: String::new(),
            shown,
            format,
        });
    };
    let rest = url
        .split_once("://")
        .map(|(_, rest)| rest)
        .unwrap_or_default();
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        return Err(SnowflakeError::compilation(format!(
            "stage address '{url}' names no bucket"
        )));
    }
    let base = if prefix.is_empty() || prefix.ends_with('/') {
        prefix.to_owned()
    } else {
        format!("{prefix}/")
    };
    Ok(Location {
        stage: Some(id),
        bucket: bucket.to_owned(),
        base,
        path: String::new(),
        shown,
        format,
    })
}

fn check_integration(context: &Context<'_>, name: &str, stage: &Stage) -> Result<()> {
    let name = Name::parse(name)?;
    let found = context.catalog.find(Kind::Integration, &name.0);
    let Some(Body::Integration {
        enabled,
        locations,
        blocked,
        ..
    }) = found.map(|o| &o.body)
    else {
        return Err(SnowflakeError::missing("Integration", name));
    };
    let url = stage.url.as_deref().unwrap_or_default();
    let is_in = |location: &String| {
        let folder = format!("{}/", location.trim_end_matches('/'));
        location == "*" || format!("{url}/").starts_with(&folder)
    };
    let allowed = locations.iter().any(is_in) && !blocked.iter().any(is_in);
    if !enabled || !allowed {
        return Err(SnowflakeError::new(
            "003167",
            "42601",
            format!(
                "Location '{url}' is not allowed by integration '{name}'. Please use DESC INTEGRATION to check out allowed and blocked locations."
            ),
        ));
    }
    Ok(())
}

/// The format that applies: the statement's options over the stage's, names resolved.
///
/// # Errors
/// If a named format is not there, or an option is not supported.
pub fn format_for(context: &Context<'_>, location: &Location, options: &str) -> Result<Format> {
    let mut format = Format::default();
    // A statement that names a format does without the stage's.
    let own = if options.is_empty() {
        location.format.as_str()
    } else {
        options
    };
    if let Some(name) = formats::format_name(own)? {
        let object = context.find(Kind::FileFormat, &name)?;
        context.require(&object, "USAGE")?;
        if let Body::FileFormat { options } = &object.body {
            format = format.overlay(options)?;
        }
    }
    format.overlay(own)
}

/// A file's bytes, unpacked.
///
/// # Errors
/// If it is not there, or its packing is broken.
pub fn read(shared: &Shared, location: &Location, key: &str, format: &Format) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read =
        open(shared, location, key, format).and_then(|mut file| file.read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(format.encoding.decoded(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing_file(location, key)),
        Err(error) => Err(SnowflakeError::new(
            "100016",
            "22000",
            format!("Error parsing the compressed file: {error}"),
        )),
    }
}

/// What is known of a file that a statement names.
///
/// # Errors
/// If it is not there.
pub fn head(shared: &Shared, location: &Location, key: &str) -> Result<ObjectMeta> {
    let found = shared.options.object_store.head(&location.bucket, key);
    found.map_err(|_| missing_file(location, key))
}

/// A file as a stream of bytes, unpacked but not decoded: from the disk, if it lies there.
///
/// # Errors
/// If it is not there.
pub fn open(
    shared: &Shared,
    location: &Location,
    key: &str,
    format: &Format,
) -> io::Result<Box<dyn Read + Send>> {
    let store = &shared.options.object_store;
    match store.path(&location.bucket, key) {
        Some(path) => unpacked(BufReader::new(File::open(path)?), format.compression),
        None => {
            let bytes = store.get(&location.bucket, key)?;
            unpacked(io::Cursor::new(bytes), format.compression)
        }
    }
}

fn missing_file(location: &Location, key: &str) -> SnowflakeError {
    SnowflakeError::new(
        "091016",
        "22000",
        format!(
            "Remote file '{}' was not found. If you are running a copy command, please make sure files are not deleted when they are being loaded.",
            location.show(key)
        ),
    )
}

fn unpacked(
    mut packed: impl BufRead + Send + 'static,
    compression: Compression,
) -> io::Result<Box<dyn Read + Send>> {
    let start = packed.fill_buf()?;
    let kind = match compression {
        Compression::Auto if start.starts_with(&[0x1f, 0x8b]) => Compression::Gzip,
        Compression::Auto if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) => Compression::Zstd,
        other => other,
    };
    Ok(match kind {
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
        Compression::Zstd => Box::new(zstd::Decoder::with_buffer(packed)?),
        Compression::Auto | Compression::None => Box::new(packed),
    })
}

/// A file read into a temporary table.
pub struct StagedFile {
    /// Records in it.
    pub parsed: u64,
    /// Broken records: row, line, character, fault.
    pub faults: Vec<(u64, u64, u64, Fault)>,
}

/// Makes the temporary table that staged files are read into.
///
/// # Errors
/// If DuckDB refuses.
pub fn create_table(connection: &Connection, table: &str, width: usize) -> Result<()> {
    let columns: String = (1..=width)
        .map(|n| format!(", {} varchar", quoted(&format!("${n}"))))
        .collect();
    storage::run(
        connection,
        &format!(
            "create or replace temp table {table}(\"METADATA$FILENAME\" varchar, \"METADATA$FILE_ROW_NUMBER\" decimal(38,0), _line bigint, \
             \"METADATA$FILE_CONTENT_KEY\" varchar, \"METADATA$FILE_LAST_MODIFIED\" timestamp, \"METADATA$START_SCAN_TIME\" timestamptz{columns})"
        ),
    )
}

/// How many columns the widest record has.
pub fn width(bytes: &[u8], format: &Format) -> usize {
    if format.is_json {
        return 1;
    }
    let mut reader = Reader::new(bytes, format);
    let mut width = 1;
    while let Some(record) = reader.next_record() {
        if record.is_ok() {
            width = width.max(reader.fields.len());
        }
    }
    width
}

/// A file as it was read.
pub struct Source<'a> {
    pub bytes: &'a [u8],
    pub format: &'a Format,
    pub object: &'a ObjectMeta,
}

/// Appends the file's records to the table. `expected` columns are asked for, if the format insists.
///
/// # Errors
/// If DuckDB refuses.
pub fn append(
    connection: &Connection,
    table: &str,
    source: &Source<'_>,
    width: usize,
    expected: Option<usize>,
    now: i64,
) -> Result<StagedFile> {
    let Source {
        bytes,
        format,
        object,
    } = *source;
    use duckdb::types::{TimeUnit, Value as V};
    let mut staged = StagedFile {
        parsed: 0,
        faults: Vec::new(),
    };
    let mut appender = connection
        .appender(table)
        .map_err(SnowflakeError::internal)?;
    let mut row_number = 0_u64;
    let mut push = |row: u64, line: u64, fields: &[Option<Vec<u8>>]| -> Result<()> {
        let mut values = vec![
            V::Text(object.key.clone()),
            V::HugeInt(row.into()),
            V::BigInt(i64::try_from(line).unwrap_or(0)),
            V::Text(object.etag.clone()),
            V::Timestamp(TimeUnit::Microsecond, object.modified_micros),
            V::Timestamp(TimeUnit::Microsecond, now),
        ];
        for at in 0..width {
            values.push(match fields.get(at).and_then(Option::as_ref) {
                Some(bytes) => V::Text(String::from_utf8_lossy(bytes).into_owned()),
                None => V::Null,
            });
        }
        appender
            .append_row(duckdb::appender_params_from_iter(values))
            .map_err(SnowflakeError::internal)
    };
    if format.is_json {
        for document in json_documents(bytes, format) {
            row_number += 1;
            staged.parsed += 1;
            match document {
                Ok(text) => push(row_number, row_number, &[Some(text.into_bytes())])?,
                Err(message) => {
                    staged
                        .faults
                        .push((row_number, row_number, 1, Fault { message, column: 1 }))
                }
            }
        }
    } else {
        let mut reader = Reader::new(bytes, format);
        while let Some(record) = reader.next_record() {
            row_number += 1;
            staged.parsed += 1;
            let checked = record.and_then(|()| check_record(&reader.fields, format, expected));
            match checked {
                Ok(()) => push(row_number, reader.record_line, &reader.fields)?,
                Err(fault) => {
                    let start = reader
                        .starts
                        .get(fault.column.saturating_sub(1))
                        .copied()
                        .unwrap_or(0);
                    staged
                        .faults
                        .push((row_number, reader.record_line, start as u64 + 1, fault));
                }
            }
        }
    }
    drop(appender);
    Ok(staged)
}

fn check_record(
    fields: &[Option<Vec<u8>>],
    format: &Format,
    expected: Option<usize>,
) -> std::result::Result<(), Fault> {
    if let Some(expected) = expected
        && format.error_on_column_count_mismatch
        && fields.len() != expected
    {
        let message = format!(
            "Number of columns in file ({}) does not match that of the corresponding table ({expected}), use file format option error_on_column_count_mismatch=false to ignore this error",
            fields.len()
        );
        return Err(Fault {
            message,
            column: fields.len().min(expected),
        });
    }
    if !format.replace_invalid_characters {
        for (at, field) in fields.iter().enumerate() {
            if let Some(field) = field
                && std::str::from_utf8(field).is_err()
            {
                let hex: String = field.iter().take(20).map(|b| format!("{b:02X}")).collect();
                return Err(Fault {
                    message: format!("Invalid UTF8 detected in string '0x{hex}'"),
                    column: at + 1,
                });
            }
        }
    }
    Ok(())
}

fn json_documents(bytes: &[u8], format: &Format) -> Vec<std::result::Result<String, String>> {
    let mut found = Vec::new();
    for document in serde_json::Deserializer::from_slice(bytes).into_iter::<serde_json::Value>() {
        match document {
            Ok(serde_json::Value::Array(items)) if format.strip_outer_array => {
                found.extend(items.into_iter().map(|item| Ok(item.to_string())));
            }
            Ok(value) => found.push(Ok(value.to_string())),
            Err(error) => found.push(Err(format!("Error parsing JSON: {error}"))),
        }
    }
    found
}

/// Does `work` on a statement whose stages are read into temporary tables meanwhile.
///
/// # Errors
/// If a stage is not there, or its files cannot be read; and what `work` says.
pub(crate) fn with_staged<T>(
    session: &mut Session,
    sql: &str,
    binds: &Binds,
    variables: &Variables,
    work: impl FnOnce(&mut Session) -> Result<T>,
) -> Result<T> {
    session.staged = read_stages(session, sql, binds, variables)?;
    let done = work(session);
    let staged = std::mem::take(&mut session.staged);
    forget(session, &staged);
    done
}

/// The relation of each stage that the statement names.
fn read_stages(
    session: &Session,
    sql: &str,
    binds: &Binds,
    variables: &Variables,
) -> Result<BTreeMap<String, String>> {
    let lexemes = lex(sql)?;
    let mut staged = BTreeMap::new();
    for (at, lexeme) in lexemes.iter().enumerate() {
        if lexeme.token != Token::AtSign {
            continue;
        }
        let (marker, _) = stage_marker(sql, &lexemes[at..]);
        if staged.contains_key(&marker) {
            continue;
        }
        let context = session.context(binds, variables);
        let table = format!("_stage_{}", staged.len());
        let (place, options) = marker
            .split_once('(')
            .map_or((marker.as_str(), ""), |(p, o)| (p, o.trim_end_matches(')')));
        let location = locate(&context, place.trim())?;
        let option_lexemes = lex(options)?;
        let mut properties = Properties::parse(&mut Cursor::new(options, &option_lexemes))?;
        let pattern = properties.take_text("PATTERN")?;
        let format = properties
            .take("FILE_FORMAT")
            .map(formats::option_text)
            .transpose()?
            .unwrap_or_default();
        properties.end()?;
        let format = format_for(&context, &location, &format)?;
        if format.parse_header {
            return Err(SnowflakeError::unsupported(
                "PARSE_HEADER = TRUE in a query on a stage",
            ));
        }
        let files = matching(
            &session.connection,
            location.list(&session.shared)?,
            &location,
            pattern.as_deref(),
        )?;
        let mut contents = Vec::new();
        for file in files {
            contents.push((read(&session.shared, &location, &file.key, &format)?, file));
        }
        let widest = contents
            .iter()
            .map(|(bytes, _)| width(bytes, &format))
            .max()
            .unwrap_or(1)
            .max(highest_column(sql));
        create_table(&session.connection, &table, widest)?;
        for (bytes, file) in &contents {
            let source = Source {
                bytes,
                format: &format,
                object: file,
            };
            let read = append(
                &session.connection,
                &table,
                &source,
                widest,
                None,
                context.now,
            )?;
            if let Some((row, line, character, fault)) = read.faults.first() {
                return Err(SnowflakeError::new(
                    "100066",
                    "22000",
                    format!(
                        "{}\n  File '{}', line {line}, character {character}\n  Row {row}",
                        fault.message, file.key
                    ),
                ));
            }
        }
        staged.insert(marker, relation(&table, &format));
    }
    Ok(staged)
}

/// The staged files as a relation.
pub fn relation(table: &str, format: &Format) -> String {
    if format.is_json {
        return format!("(select * exclude (\"$1\"), \"$1\"::json as \"$1\" from {table})");
    }
    format!("(select * exclude (_line) from {table})")
}

/// The highest `$n` of the text.
pub fn highest_column(sql: &str) -> usize {
    let numbers = sql.split('$').skip(1).map(|rest| {
        rest.chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
    });
    numbers
        .filter_map(|digits| digits.parse().ok())
        .filter(|n| *n <= 10_000)
        .max()
        .unwrap_or(0)
}

/// Removes the files of an internal stage that is no more.
pub fn empty(shared: &Shared, stage: u64) {
    let store = &shared.options.object_store;
    for file in store
        .list(INTERNAL_BUCKET, &format!("{stage}/"))
        .unwrap_or_default()
    {
        if let Err(error) = store.delete(INTERNAL_BUCKET, &file.key) {
            log::warn!("a file of a dropped stage stays: {}: {error}", file.key);
        }
    }
}

/// The files whose path matches the pattern, which must match all of it.
///
/// # Errors
/// If the pattern is no regular expression.
pub fn matching(
    connection: &Connection,
    files: Vec<ObjectMeta>,
    location: &Location,
    pattern: Option<&str>,
) -> Result<Vec<ObjectMeta>> {
    let Some(pattern) = pattern else {
        return Ok(files);
    };
    let mut kept = Vec::new();
    for file in files {
        let path = file.key.strip_prefix(&location.base).unwrap_or(&file.key);
        let sql = format!(
            "select regexp_full_match({}, {})",
            crate::sql::cursor::literal(path),
            crate::sql::cursor::literal(pattern)
        );
        if storage::count(connection, &sql)? != 0 {
            kept.push(file);
        }
    }
    Ok(kept)
}

/// Drops the temporary tables of a query.
fn forget(session: &Session, staged: &BTreeMap<String, String>) {
    for at in 0..staged.len() {
        let _ = storage::run(
            &session.connection,
            &format!("drop table if exists _stage_{at}"),
        );
    }
}

/// LIST and REMOVE. PUT and GET are refused: drivers would move the files, and are given no address to move them to.
pub(crate) fn run(session: &mut Session, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    let word = cursor.identifier()?;
    if word == "PUT" || word == "GET" {
        return Err(SnowflakeError::unsupported(format!(
            "{word}: put and get files over S3, in a bucket that a stage leads to"
        )));
    }
    let marker = take_stage(&mut cursor)?;
    let mut properties = Properties::parse(&mut cursor)?;
    cursor.end()?;
    let pattern = properties.take_text("PATTERN")?;
    properties.end()?;
    let (binds, variables) = (Binds::default(), Variables::new());
    let context = session.context(&binds, &variables);
    let location = locate(&context, &marker)?;
    let files = matching(
        &session.connection,
        location.list(&session.shared)?,
        &location,
        pattern.as_deref(),
    )?;
    let shared = Arc::clone(&session.shared);
    let text = |name: &str| ColumnMeta::new(name, SnowflakeType::TEXT);
    if word == "REMOVE" || word == "RM" {
        let mut rows = Vec::new();
        for file in files {
            shared
                .options
                .object_store
                .delete(&location.bucket, &file.key)
                .map_err(SnowflakeError::internal)?;
            rows.push(vec![
                Value::Text(location.show(&file.key)),
                Value::Text("removed".to_owned()),
            ]);
        }
        return Ok(QueryResult {
            columns: vec![text("name"), text("result")],
            rows,
            kind: StatementKind::Show,
            ..QueryResult::default()
        });
    }
    let row = |file: ObjectMeta| {
        vec![
            Value::Text(location.show(&file.key)),
            Value::Number(file.size.into()),
            Value::Text(file.etag.clone()),
            Value::Text(http_date(file.modified_micros)),
        ]
    };
    let columns = vec![
        text("name"),
        ColumnMeta::new("size", SnowflakeType::INTEGER),
        text("md5"),
        text("last_modified"),
    ];
    Ok(QueryResult {
        columns,
        rows: files.into_iter().map(row).collect(),
        kind: StatementKind::Show,
        ..QueryResult::default()
    })
}

fn http_date(micros: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(micros).unwrap_or_default();
    at.to_zoned_datetime(jiff::tz::TimeZone::UTC)
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}
