//! Reads a file and converts its rows, in temporary tables, where a broken row can be found without harm.

use std::collections::BTreeMap;

use super::by_name::{self, Taken};
use super::{Copy, Loaded, OnError, RowError, malformed};
use crate::engine::catalog::Column;
use crate::engine::compile::Context;
use crate::engine::compile::Variables;
use crate::engine::session::Session;
use crate::engine::statements::dml;
use crate::engine::statements::stages;
use crate::engine::storage;
use crate::object_store::ObjectMeta;
use crate::sql::cursor::{literal, quoted};
use crate::sql::fragment::Sql;
use crate::sql::functions::time_format;
use crate::sql::types;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, SnowflakeType};

impl Copy {
    pub(super) fn targets(&self) -> Result<Vec<&Column>> {
        let table = self.target.table()?;
        if self.columns.is_empty() {
            return Ok(table.columns.iter().collect());
        }
        self.columns
            .iter()
            .map(|name| dml::column(&self.target, name))
            .collect()
    }

    /// How many fields every record must have, if the format insists.
    pub(super) fn expected_fields(&self, columns: usize) -> Option<usize> {
        let is_counted = self.select.is_none() && !self.format.is_json;
        (is_counted && self.format.error_on_column_count_mismatch).then_some(columns)
    }

    /// DuckDB's SQL for the source, of the relation that has read a file.
    pub(super) fn source(&self, context: &mut Context<'_>, staged: String) -> Result<String> {
        match &self.select {
            Some(select) => {
                context.memory.staged = BTreeMap::from([(self.marker.clone(), staged)]);
                let compiled = context.query(select)?;
                match compiled.calls.first() {
                    None => Ok(compiled.sql),
                    Some(call) => Err(SnowflakeError::unsupported(format!(
                        "{} in a COPY transformation",
                        call.function.name
                    ))),
                }
            }
            None if !self.fields.is_empty() => {
                let fields = self.fields.iter().map(|f| f.sql(self.match_by));
                let fields = fields.collect::<Vec<_>>().join(", ");
                Ok(format!("select {fields} from {staged}"))
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

    /// What the columns become of a source whose columns have these names.
    pub(super) fn values(&self, columns: &[&Column]) -> (Vec<String>, String) {
        let values = columns.iter().enumerate().map(|(n, c)| self.value(n, c));
        let aliases: Vec<String> = (0..columns.len()).map(|n| format!("s{n}")).collect();
        (values.collect(), aliases.join(", "))
    }

    /// How many fields of a record the columns take.
    pub(super) fn width(&self, columns: usize) -> usize {
        if let Some(select) = &self.select {
            return stages::highest_column(select);
        }
        if self.fields.is_empty() {
            return columns;
        }
        let field = |taken: &Taken| match taken {
            Taken::Field(at) => at + 1,
            _ => 0,
        };
        self.fields.iter().map(field).max().unwrap_or(0)
    }

    /// The field of a record, from 0, that the column at this position takes as it stands.
    fn field(&self, column: usize) -> Option<usize> {
        match self.fields.get(column) {
            Some(Taken::Field(at)) => Some(*at),
            Some(_) => None,
            None => self.select.is_none().then_some(column),
        }
    }

    fn value(&self, at: usize, column: &Column) -> String {
        let name = format!("s{at}");
        let value = match &column.kind {
            // Metadata are no text, which would have a format.
            kind if matches!(self.fields.get(at), Some(Taken::Metadata(_))) => {
                types::store(&Sql::written(name.as_str()), kind).into_text()
            }
            SnowflakeType::Varchar { length } if self.truncate_columns => {
                format!("left(sf_text({name}), {length})")
            }
            SnowflakeType::Date if self.format.date_format.is_some() => {
                format!(
                    "cast({} as date)",
                    parsed_time(&name, &self.format.date_format)
                )
            }
            SnowflakeType::Time { .. } if self.format.time_format.is_some() => {
                format!(
                    "cast({} as time)",
                    parsed_time(&name, &self.format.time_format)
                )
            }
            SnowflakeType::TimestampNtz { .. } if self.format.timestamp_format.is_some() => {
                parsed_time(&name, &self.format.timestamp_format)
            }
            SnowflakeType::TimestampLtz { .. } if self.format.timestamp_format.is_some() => {
                format!(
                    "({})::timestamptz",
                    parsed_time(&name, &self.format.timestamp_format)
                )
            }
            SnowflakeType::Variant | SnowflakeType::Object | SnowflakeType::Array
                if !self.format.is_json =>
            {
                format!("sf_parse_json({name})")
            }
            kind => types::store(&Sql::written(name.as_str()), kind).into_text(),
        };
        if column.nullable {
            return value;
        }
        format!(
            "coalesce({value}, sf_fail('100072', '22000', 'NULL result in a non-nullable column'))"
        )
    }
}

/// The text as a time, in a file format's own format.
fn parsed_time(name: &str, format: &Option<String>) -> String {
    let format = format.as_deref().map(time_format);
    match format {
        Some(Ok(format)) => format!("strptime({name}, {})", literal(&format)),
        // The file format was checked when it was made.
        _ => format!("cast({name} as timestamp)"),
    }
}

/// Reads one file and leaves in `_ready` what is to be inserted of it.
pub(super) fn convert(
    session: &Session,
    copy: &Copy,
    file: &ObjectMeta,
    number: usize,
    (on_error, default): (OnError, OnError),
) -> Result<Loaded> {
    let (binds, variables) = (Binds::default(), Variables::new());
    let mut context = session.context(&binds, &variables);
    let mut errors = Vec::new();
    let (mut parsed, mut on_error) = (0, on_error);
    let bytes = stages::read(&session.shared, &copy.location, &file.key, &copy.format);
    let read = bytes.and_then(|bytes| {
        let copy = by_name::resolved(copy, &bytes)?.into_owned();
        Ok((bytes, copy))
    });
    match read {
        Err(error) => errors.push(RowError {
            row: 1,
            line: 1,
            character: 1,
            field: None,
            column: String::new(),
            error,
            offset: 0,
            record: String::new(),
        }),
        Ok((bytes, copy)) => {
            parsed = stage_file(&context, &copy, file, &bytes, &mut errors)?;
            let ends_at_the_first = matches!(on_error, OnError::Abort | OnError::SkipFile(1));
            if errors.is_empty() || !ends_at_the_first {
                let broken = errors.len();
                convert_rows(&mut context, &copy, number, (1, parsed), &mut errors)?;
                // "Semi-structured data": what cannot be converted is dealt with as by default, whatever ON_ERROR says.
                if copy.format.is_json && errors.len() > broken {
                    on_error = default;
                }
            }
            errors.sort_by_key(|e| e.row);
            malformed::locate(&bytes, &copy.format, &mut errors);
        }
    }
    if let (OnError::Abort, Some(error)) = (on_error, errors.first()) {
        return Err(abort(copy, file, error));
    }
    let count = errors.len() as u64;
    let is_skipped = match on_error {
        OnError::Continue | OnError::Abort => false,
        OnError::SkipFile(limit) => count >= limit,
        OnError::SkipPercent(percent) => count * 100 > parsed * percent,
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
        error_limit: on_error.limit(parsed),
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
    let expected = copy.expected_fields(columns.len());
    let taken = copy.width(columns.len());
    let width = stages::width(bytes, &copy.format).max(taken).max(1);
    stages::create_table(context.connection, "_copy", width)?;
    let source = stages::Source {
        name: copy.location.file_name(&file.key),
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
        context.snapshot.now,
    )?;
    for (row, line, character, fault) in staged.faults {
        let column = column_name(copy, &columns, fault.column);
        let (code, state) = match copy.format.is_json {
            true => ("100069", "22P02"),
            false => ("100080", "22000"),
        };
        let error = SnowflakeError::new(code, state, fault.message);
        errors.push(RowError {
            row,
            line,
            character,
            field: None,
            column,
            error,
            offset: 0,
            record: String::new(),
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
    let staged = stages::relation("_copy", &copy.format);
    let range = format!("where \"METADATA$FILE_ROW_NUMBER\" between {low} and {high}");
    let source = copy.source(context, format!("(select * from {staged} {range})"))?;
    let (values, aliases) = copy.values(&columns);
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
    errors.push(RowError {
        row: low,
        line: line.unsigned_abs(),
        character: 1,
        field: guilty.and_then(|at| copy.field(at)),
        column: guilty
            .map(|at| column_name(copy, &columns, at + 1))
            .unwrap_or_default(),
        error,
        offset: 0,
        record: String::new(),
    });
    Ok(())
}

/// What ends a COPY at its first error.
pub(super) fn abort(copy: &Copy, file: &ObjectMeta, first: &RowError) -> SnowflakeError {
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
