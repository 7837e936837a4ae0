//! COPY INTO a table.
//!
//! Files are first read and converted into temporary tables, where a broken row can be found without harm; then what ON_ERROR lets through is inserted,
//! and what was loaded is recorded, in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlparser::tokenizer::Token;

use super::catalog::{Column, Object};
use super::compile::{Context, stage_marker};
use super::dml::{self, Variables};
use super::error::{Result, SnowflakeError};
use super::formats::{self, Format};
use super::objects::ObjectMeta;
use super::session::Session;
use super::stages::{self, Location};
use super::storage;
use super::value::{Binds, ColumnMeta, QueryResult, RowStats, SnowflakeType, StatementKind, Value};
use crate::sql::cursor::{Cursor, literal, quoted};
use crate::sql::properties::Properties;
use crate::sql::tokens::lex;
use crate::sql::types;

/// What to do about broken rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OnError {
    Continue,
    /// Skip a file with as many errors.
    SkipFile(u64),
    /// Skip a file with that share of errors, in percent.
    SkipPercent(u64),
    Abort,
}

/// A parsed COPY.
pub struct Copy {
    pub target: Arc<Object>,
    columns: Vec<String>,
    pub location: Location,
    marker: String,
    /// The transformation, if there is one.
    select: Option<String>,
    files: Option<Vec<String>>,
    pub pattern: Option<String>,
    format: Format,
    pub on_error: Option<OnError>,
    purge: bool,
    force: bool,
    size_limit: Option<u64>,
    truncate_columns: bool,
    return_failed_only: bool,
}

/// What became of one file.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub key: String,
    pub shown: String,
    pub size: u64,
    pub parsed: u64,
    pub loaded: u64,
    pub error_limit: u64,
    pub errors: Vec<RowError>,
    pub status: &'static str,
}

/// A broken row.
#[derive(Clone, Debug)]
pub struct RowError {
    pub row: u64,
    pub line: u64,
    pub character: u64,
    /// `"T"["C":1]`
    pub column: String,
    pub error: SnowflakeError,
}

/// How long COPY remembers what it has loaded.
const LOAD_METADATA_DAYS: i64 = 64;

/// Runs what follows `COPY`.
pub(crate) fn run(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    binds: &Binds,
    variables: &Variables,
) -> Result<QueryResult> {
    cursor.expect("INTO")?;
    if cursor
        .peek()
        .is_some_and(|l| matches!(l.token, Token::AtSign | Token::SingleQuotedString(_)))
    {
        return Err(SnowflakeError::unsupported(
            "COPY INTO a location (unloading)",
        ));
    }
    let context = session.context(binds, variables);
    let copy = Copy::parse(&context, &mut cursor)?;
    drop(context);
    let files = copy.new_files(session)?;
    let loads = load(session, &copy, files, 0, OnError::Abort, None)?;
    Ok(answer(&copy, &loads))
}

fn answer(copy: &Copy, loads: &[Loaded]) -> QueryResult {
    let text = |name: &str| ColumnMeta::new(name, SnowflakeType::TEXT);
    let number = |name: &str| {
        ColumnMeta::new(
            name,
            SnowflakeType::Number {
                precision: 18,
                scale: 0,
            },
        )
    };
    if loads.is_empty() {
        return QueryResult {
            kind: StatementKind::Copy,
            ..QueryResult::status("Copy executed with 0 files processed.")
        };
    }
    let optional = |n: Option<u64>| n.map_or(Value::Null, |n| Value::Number(n.into()));
    let row = |load: &Loaded| {
        let first = load.errors.first();
        vec![
            Value::Text(load.shown.clone()),
            Value::Text(load.status.to_owned()),
            Value::Number(load.parsed.into()),
            Value::Number(load.loaded.into()),
            Value::Number(load.error_limit.into()),
            Value::Number(load.errors.len() as i128),
            first.map_or(Value::Null, |e| Value::Text(e.error.message.clone())),
            optional(first.map(|e| e.line)),
            optional(first.map(|e| e.character)),
            first.map_or(Value::Null, |e| Value::Text(e.column.clone())),
        ]
    };
    let shown = loads
        .iter()
        .filter(|l| !copy.return_failed_only || l.status != "LOADED");
    QueryResult {
        columns: vec![
            text("file"),
            text("status"),
            number("rows_parsed"),
            number("rows_loaded"),
            number("error_limit"),
            number("errors_seen"),
            text("first_error"),
            number("first_error_line"),
            number("first_error_character"),
            text("first_error_column_name"),
        ],
        rows: shown.map(row).collect(),
        stats: RowStats {
            inserted: loads.iter().map(|l| l.loaded).sum(),
            ..RowStats::default()
        },
        kind: StatementKind::Copy,
        ..QueryResult::default()
    }
}

impl Copy {
    /// Reads what follows `COPY INTO`.
    ///
    /// # Errors
    /// What Snowflake says of unknown names, missing rights and unsupported options.
    pub fn parse(context: &Context<'_>, cursor: &mut Cursor<'_>) -> Result<Self> {
        let target = dml::find(context, &cursor.name()?)?;
        context.require(&target, "INSERT")?;
        let mut columns = Vec::new();
        if cursor.accept_token(&Token::LParen) {
            loop {
                columns.push(dml::column(&target, &cursor.identifier()?)?.name.clone());
                if !cursor.accept_token(&Token::Comma) {
                    break;
                }
            }
            cursor.expect_token(&Token::RParen)?;
        }
        cursor.expect("FROM")?;
        let (marker, select) = source(cursor)?;
        let location = stages::locate(context, &marker)?;
        let mut p = Properties::parse(cursor)?;
        cursor.end()?;
        let options = p
            .take("FILE_FORMAT")
            .map(formats::option_text)
            .transpose()?
            .unwrap_or_default();
        let format = stages::format_for(context, &location, &options)?;
        let copy = Self {
            target,
            columns,
            location,
            marker,
            select,
            files: p.take_list("FILES")?,
            pattern: p.take_text("PATTERN")?,
            format,
            on_error: p
                .take_text("ON_ERROR")?
                .map(|text| on_error(&text))
                .transpose()?,
            purge: p.take_bool("PURGE")?.unwrap_or(false),
            force: p.take_bool("FORCE")?.unwrap_or(false),
            size_limit: p.take_integer("SIZE_LIMIT")?.map(i64::unsigned_abs),
            truncate_columns: p.take_bool("TRUNCATECOLUMNS")?.unwrap_or(false)
                || !p.take_bool("ENFORCE_LENGTH")?.unwrap_or(true),
            return_failed_only: p.take_bool("RETURN_FAILED_ONLY")?.unwrap_or(false),
        };
        p.take_default("LOAD_UNCERTAIN_FILES", "FALSE")?;
        p.refuse(&["VALIDATION_MODE", "MATCH_BY_COLUMN_NAME"])?;
        p.end()?;
        if copy.format.is_json && copy.select.is_none() && copy.target.table()?.columns.len() != 1 {
            return Err(SnowflakeError::new(
                "002019",
                "0A000",
                "SQL compilation error:\nJSON file format can produce one and only one column of variant, object, or array type. Load data into separate columns using the MATCH_BY_COLUMN_NAME copy option or copy with transformation.",
            ));
        }
        Ok(copy)
    }

    fn new_files(&self, session: &Session) -> Result<Vec<ObjectMeta>> {
        let listed = match &self.files {
            None => self.location.list(&session.shared)?,
            Some(files) => {
                let store = &session.shared.options.object_store;
                let head = |file: &String| {
                    let key = self.location.key(file);
                    store.head(&self.location.bucket, &key).map_err(|_| {
                        SnowflakeError::new("091016", "22000", format!("Remote file '{}' was not found. If you are running a copy command, please make sure files are not deleted when they are being loaded.", self.location.show(&key)))
                    })
                };
                files.iter().map(head).collect::<Result<_>>()?
            }
        };
        let listed = stages::matching(
            &session.connection,
            listed,
            &self.location,
            self.pattern.as_deref(),
        )?;
        let listed = listed.into_iter().filter(|f| !f.key.ends_with('/'));
        if self.force {
            return Ok(listed.collect());
        }
        let since = session.shared.options.clock.now_micros() - LOAD_METADATA_DAYS * 86_400_000_000;
        let known = storage::query(
            &session.connection,
            &format!(
                "select path, etag from sys_loads where target = {} and pipe = 0 and counts and location = {} and loaded_micros > {since}",
                self.target.id,
                literal(&self.location.bucket)
            ),
        )?;
        let known: std::collections::BTreeSet<(String, String)> = known
            .rows
            .into_iter()
            .filter_map(|row| match row.as_slice() {
                [Value::Text(path), Value::Text(etag)] => Some((path.clone(), etag.clone())),
                _ => None,
            })
            .collect();
        Ok(listed
            .filter(|f| !known.contains(&(f.key.clone(), f.etag.clone())))
            .collect())
    }

    fn targets(&self) -> Result<Vec<&Column>> {
        let table = self.target.table()?;
        if self.columns.is_empty() {
            return Ok(table.columns.iter().collect());
        }
        self.columns
            .iter()
            .map(|name| dml::column(&self.target, name))
            .collect()
    }

    /// DuckDB's SQL for the source, of rows `low..=high` of the staged file.
    fn source(&self, context: &mut Context<'_>, low: u64, high: u64) -> Result<String> {
        let range = format!("where \"METADATA$FILE_ROW_NUMBER\" between {low} and {high}");
        let staged = format!(
            "(select * from {} {range})",
            stages::relation("_copy", &self.format)
        );
        match &self.select {
            Some(select) => {
                context.staged = BTreeMap::from([(self.marker.clone(), staged)]);
                Ok(context.query(select)?.sql)
            }
            None => {
                let width = self.targets()?.len();
                let columns = (1..=width)
                    .map(|n| quoted(&format!("${n}")))
                    .collect::<Vec<_>>()
                    .join(", ");
                Ok(format!("select {columns} from {staged}"))
            }
        }
    }

    fn value(&self, at: usize, column: &Column) -> String {
        let name = format!("s{at}");
        let value = match &column.kind {
            SnowflakeType::Varchar { length } if self.truncate_columns => {
                format!("left(sf_text({name}), {length})")
            }
            SnowflakeType::Variant | SnowflakeType::Object | SnowflakeType::Array
                if !self.format.is_json =>
            {
                format!("sf_parse_json({name})")
            }
            kind => types::store(&name, kind),
        };
        if column.nullable {
            return value;
        }
        format!(
            "coalesce({value}, sf_fail('100072', '22000', 'NULL result in a non-nullable column'))"
        )
    }
}

fn source(cursor: &mut Cursor<'_>) -> Result<(String, Option<String>)> {
    if cursor.peek().is_some_and(|l| l.token == Token::LParen) {
        let (text, tokens) = cursor.parenthesized()?;
        let at = tokens
            .iter()
            .position(|l| l.token == Token::AtSign)
            .ok_or_else(|| SnowflakeError::unsupported("COPY from a query that reads no stage"))?;
        // The tokens' places count from the whole text; the query is read again on its own.
        let _ = at;
        let lexemes = lex(text)?;
        let start = lexemes
            .iter()
            .position(|l| l.token == Token::AtSign)
            .unwrap_or(0);
        let (marker, _) = stage_marker(text, &lexemes[start..]);
        return Ok((marker, Some(text.to_owned())));
    }
    if let Ok(text) = cursor.text() {
        return Ok((text, None));
    }
    let text = cursor.rest_text();
    let (marker, used) = stage_marker(text, &lex(text)?);
    cursor.take_text(used);
    Ok((marker, None))
}

fn on_error(text: &str) -> Result<OnError> {
    let upper = text.to_uppercase();
    let number = |t: &str| t.parse::<u64>().ok();
    match upper.as_str() {
        "CONTINUE" => Ok(OnError::Continue),
        "SKIP_FILE" => Ok(OnError::SkipFile(1)),
        "ABORT_STATEMENT" => Ok(OnError::Abort),
        other => {
            let rest = other.strip_prefix("SKIP_FILE_").unwrap_or_default();
            let parsed = match rest.strip_suffix('%') {
                Some(percent) => number(percent).map(OnError::SkipPercent),
                None => number(rest).map(OnError::SkipFile),
            };
            parsed.ok_or_else(|| {
                SnowflakeError::new(
                    "001008",
                    "22023",
                    format!(
                        "SQL compilation error:\ninvalid value [{text}] for parameter 'ON_ERROR'"
                    ),
                )
            })
        }
    }
}

/// Loads the files, and records it.
pub(crate) fn load(
    session: &mut Session,
    copy: &Copy,
    files: Vec<ObjectMeta>,
    pipe: u64,
    default: OnError,
    received: Option<&BTreeMap<String, i64>>,
) -> Result<Vec<Loaded>> {
    let on_error = copy.on_error.unwrap_or(default);
    let mut loads = Vec::new();
    let mut size = 0;
    let columns = copy.targets()?;
    let list = columns
        .iter()
        .enumerate()
        .map(|(n, c)| format!("c{n} {}", types::duckdb(&c.kind)))
        .collect::<Vec<_>>()
        .join(", ");
    storage::run(
        &session.connection,
        &format!("create or replace temp table _ready(_file bigint, {list})"),
    )?;
    let mut taken = Vec::new();
    for file in files {
        if copy.size_limit.is_some_and(|limit| size >= limit) {
            break;
        }
        if session.is_cancelled() {
            return Err(SnowflakeError::cancelled());
        }
        size += file.size;
        loads.push(convert(session, copy, &file, taken.len(), on_error)?);
        taken.push(file);
    }
    let now = session.shared.options.clock.now_micros();
    let result = session.write(&[], &Binds::default(), &Variables::new(), |context, stamp, effects| {
        effects.tables.insert(copy.target.id);
        for (load, file) in loads.iter().zip(&taken) {
            effects.records.push(record(copy, load, file, pipe, now, received));
        }
        let names: Vec<String> = columns.iter().map(|c| quoted(&c.name)).collect();
        let values: Vec<String> = (0..columns.len()).map(|n| format!("c{n}")).collect();
        let (mut names, mut values) = (names, values);
        for (name, value) in dml::defaults(context, &copy.target, |c| columns.iter().any(|t| t.name == c.name))? {
            names.push(quoted(&name));
            values.push(value);
        }
        storage::run(
            context.connection,
            &format!(
                "insert into \"T{}\" ({}, _begin) select {}, {stamp} from _ready; drop table _ready",
                copy.target.id,
                names.join(", "),
                values.join(", ")
            ),
        )
    });
    let _ = storage::run(
        &session.connection,
        "drop table if exists _ready; drop table if exists _copy",
    );
    result?;
    if copy.purge {
        for (load, file) in loads.iter().zip(&taken) {
            if load.status == "LOADED" {
                let _ = session
                    .shared
                    .options
                    .object_store
                    .delete(&copy.location.bucket, &file.key);
            }
        }
    }
    Ok(loads)
}

fn record(
    copy: &Copy,
    load: &Loaded,
    file: &ObjectMeta,
    pipe: u64,
    now: i64,
    received: Option<&BTreeMap<String, i64>>,
) -> String {
    let first = load.errors.first();
    let text = |value: Option<String>| value.map_or("null".to_owned(), |t| literal(&t));
    let number = |value: Option<u64>| value.map_or("null".to_owned(), |n| n.to_string());
    let received = received
        .and_then(|r| r.get(&file.key))
        .copied()
        .unwrap_or(now);
    format!(
        "insert into sys_loads values ({}, {pipe}, {}, {}, {}, {}, {}, {now}, {received}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})",
        copy.target.id,
        literal(&copy.location.bucket),
        literal(&file.key),
        literal(&file.etag),
        file.size,
        file.modified_micros,
        load.parsed,
        load.loaded,
        load.errors.len(),
        load.error_limit,
        text(first.map(|e| e.error.message.clone())),
        number(first.map(|e| e.line)),
        number(first.map(|e| e.character)),
        text(first.map(|e| e.column.clone())),
        literal(load.status),
        // A file that failed may be tried again by COPY; a pipe remembers it all the same.
        load.status != "LOAD_FAILED" || pipe != 0,
    )
}

/// Reads one file and leaves in `_ready` what is to be inserted of it.
fn convert(
    session: &Session,
    copy: &Copy,
    file: &ObjectMeta,
    number: usize,
    on_error: OnError,
) -> Result<Loaded> {
    let (binds, variables) = (Binds::default(), Variables::new());
    let mut context = session.context(&binds, &variables);
    let mut errors = Vec::new();
    let mut parsed = 0;
    match stages::read(&session.shared, &copy.location, &file.key, &copy.format) {
        Err(error) => errors.push(RowError {
            row: 1,
            line: 1,
            character: 1,
            column: String::new(),
            error,
        }),
        Ok(bytes) => {
            parsed = stage_file(&context, copy, file, &bytes, &mut errors)?;
            let ends_at_the_first = matches!(on_error, OnError::Abort | OnError::SkipFile(1));
            if errors.is_empty() || !ends_at_the_first {
                convert_rows(&mut context, copy, number, (1, parsed), &mut errors)?;
            }
        }
    }
    errors.sort_by_key(|e| e.row);
    if let (OnError::Abort, Some(error)) = (on_error, errors.first()) {
        return Err(abort(copy, file, error));
    }
    let count = errors.len() as u64;
    let (limit, is_skipped) = match on_error {
        OnError::Continue | OnError::Abort => (parsed, false),
        OnError::SkipFile(limit) => (limit, count >= limit),
        OnError::SkipPercent(percent) => (parsed * percent / 100, count * 100 > parsed * percent),
    };
    if is_skipped || (parsed == 0 && count > 0) {
        storage::run(
            &session.connection,
            &format!("delete from _ready where _file = {number}"),
        )?;
    }
    let loaded = storage::count(
        &session.connection,
        &format!("select count(*) from _ready where _file = {number}"),
    )?
    .unsigned_abs();
    let status = match (count, loaded) {
        (0, _) => "LOADED",
        (_, 0) => "LOAD_FAILED",
        _ => "PARTIALLY_LOADED",
    };
    Ok(Loaded {
        key: file.key.clone(),
        shown: copy.location.show(&file.key),
        size: file.size,
        parsed,
        loaded,
        error_limit: limit,
        errors,
        status,
    })
}

fn stage_file(
    context: &Context<'_>,
    copy: &Copy,
    file: &ObjectMeta,
    bytes: &[u8],
    errors: &mut Vec<RowError>,
) -> Result<u64> {
    let columns = copy.targets()?;
    let expected = (copy.select.is_none() && !copy.format.is_json).then_some(columns.len());
    let named = copy
        .select
        .as_deref()
        .map_or(columns.len(), stages::highest_column);
    let width = stages::width(bytes, &copy.format).max(named).max(1);
    stages::create_table(context.connection, "_copy", width)?;
    let source = stages::Source {
        bytes,
        format: &copy.format,
        object: file,
    };
    let staged = stages::append(
        context.connection,
        "_copy",
        &source,
        width,
        expected,
        context.now,
    )?;
    for (row, line, character, fault) in staged.faults {
        let column = column_name(copy, &columns, fault.column);
        let error = SnowflakeError::new("100080", "22000", fault.message);
        errors.push(RowError {
            row,
            line,
            character,
            column,
            error,
        });
    }
    Ok(staged.parsed)
}

fn column_name(copy: &Copy, columns: &[&Column], at: usize) -> String {
    let Some(column) = at.checked_sub(1).and_then(|n| columns.get(n)) else {
        return String::new();
    };
    format!("\"{}\"[\"{}\":{at}]", copy.target.short(), column.name)
}

/// Converts rows `low..=high`, halving the range where it fails until the broken rows stand alone.
fn convert_rows(
    context: &mut Context<'_>,
    copy: &Copy,
    number: usize,
    range: (u64, u64),
    errors: &mut Vec<RowError>,
) -> Result<()> {
    let (low, high) = range;
    if low > high {
        return Ok(());
    }
    let columns = copy.targets()?;
    let source = copy.source(context, low, high)?;
    let aliases = (0..columns.len())
        .map(|n| format!("s{n}"))
        .collect::<Vec<_>>()
        .join(", ");
    let values: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(n, c)| copy.value(n, c))
        .collect();
    let done = storage::run(
        context.connection,
        &format!(
            "insert into _ready select {number}, {} from ({source}) as s({aliases})",
            values.join(", ")
        ),
    );
    let Err(error) = done else { return Ok(()) };
    if matches!(
        error.code,
        "002000" | "000904" | "002140" | "000604" | "000603"
    ) {
        return Err(error);
    }
    if low < high {
        let middle = low + (high - low) / 2;
        convert_rows(context, copy, number, (low, middle), errors)?;
        return convert_rows(context, copy, number, (middle + 1, high), errors);
    }
    // One row is left: which of its columns is it?
    let guilty = values.iter().position(|value| {
        storage::query(
            context.connection,
            &format!("select {value} from ({source}) as s({aliases})"),
        )
        .is_err()
    });
    let line = storage::count(
        context.connection,
        &format!("select _line from _copy where \"METADATA$FILE_ROW_NUMBER\" = {low}"),
    )?;
    let character = match (guilty, &copy.select) {
        (Some(at), None) => {
            let before: Vec<String> = (1..=at)
                .map(|n| format!("coalesce(length({}), 0) + 1", quoted(&format!("${n}"))))
                .collect();
            let sum = if before.is_empty() {
                "0".to_owned()
            } else {
                before.join(" + ")
            };
            storage::count(
                context.connection,
                &format!("select 1 + {sum} from _copy where \"METADATA$FILE_ROW_NUMBER\" = {low}"),
            )?
        }
        _ => 1,
    };
    errors.push(RowError {
        row: low,
        line: line.unsigned_abs(),
        character: character.unsigned_abs(),
        column: guilty
            .map(|at| column_name(copy, &columns, at + 1))
            .unwrap_or_default(),
        error,
    });
    Ok(())
}

fn abort(copy: &Copy, file: &ObjectMeta, first: &RowError) -> SnowflakeError {
    let path = file
        .key
        .strip_prefix(&copy.location.base)
        .unwrap_or(&file.key);
    SnowflakeError::new(
        first.error.code,
        first.error.sqlstate,
        format!(
            "{}\n  File '{path}', line {}, character {}\n  Row {}, column {}\n  If you would like to continue loading when an error is encountered, use other values such as 'SKIP_FILE' or 'CONTINUE' for the ON_ERROR option. For more information on loading options, please run 'info loading_data' in a SQL client.",
            first.error.message, first.line, first.character, first.row, first.column
        ),
    )
}
