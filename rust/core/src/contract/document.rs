//! The TOML document of a contract, and the checks that make it one.

use serde::Deserialize;

use super::source::document::{Document as DocumentSource, timestamps};
use super::{
    Column, ColumnType, Contract, HistoryColumns, Origin, Position, ROW, Source, history_columns,
};
use crate::error::{Context, Error, Result};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    table: String,
    op: Option<String>,
    key: Vec<String>,
    order: Vec<String>,
    columns: Vec<DocumentColumn>,
    #[serde(default)]
    history_columns: HistoryColumns,
    #[serde(default)]
    source: DocumentSource,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentColumn {
    name: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    required: bool,
    from: Option<String>,
    default: Option<String>,
    constant: Option<String>,
    file_name: Option<String>,
    timestamps: Option<Vec<String>>,
    position: Option<String>,
    #[serde(default)]
    ignore: bool,
}

/// Default name of the operation column in the tables.
const USUAL_OP: &str = "op";

pub(super) fn parse(text: &str) -> Result<Contract> {
    let document: Document = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| {
            1 + text
                .as_bytes()
                .iter()
                .take(span.start)
                .filter(|byte| **byte == b'\n')
                .count()
        });
        Error::config(format!("contract, line {line}: {}", error.message())).with_source(error)
    })?;
    let snapshot_time = document.source.snapshot_time.clone();
    let mut source = document.source.read(document.op.as_deref())?;
    let columns = columns(document.columns, &mut source)?;
    let (order, is_ordered_by_row) = order_columns(document.order)?;
    let mut contract = Contract {
        table: document.table,
        op: document.op.unwrap_or_else(|| USUAL_OP.to_owned()),
        columns,
        key: Vec::new(),
        order: Vec::new(),
        is_ordered_by_row,
        history_columns: document.history_columns,
        source,
    };
    check_names(&contract)?;
    contract.key = indices(&contract, &document.key, "key")?;
    contract.order = indices(&contract, &order, "order")?;
    check_roles(&contract)?;
    if let Some(time) = snapshot_time {
        take_snapshot_time(&mut contract, time)?;
    }
    if contract.snapshot().is_some() && contract.has_partial_updates() {
        return Err(Error::config(
            "source.mode: a snapshot gives every column: remove `unchanged` and `missing_columns = \"unchanged\"`",
        ));
    }
    for index in contract
        .key
        .iter()
        .chain(&contract.order)
        .copied()
        .collect::<Vec<_>>()
    {
        contract.columns[index].required = true;
    }
    Ok(contract)
}

/// The columns of `order`, and whether it ends with `@row`, an event's position in its file.
fn order_columns(mut names: Vec<String>) -> Result<(Vec<String>, bool)> {
    let is_by_row = names.pop_if(|name| name == ROW).is_some();
    if names.iter().any(|name| name == ROW) {
        return Err(Error::config(format!(
            "invalid `order`: `{ROW}` is the place in the file, which settles what the columns leave open: name it last"
        )));
    }
    Ok((names, is_by_row))
}

/// The columns of the table; their origins and the ignored columns are added to `source`.
fn columns(documents: Vec<DocumentColumn>, source: &mut Source) -> Result<Vec<Column>> {
    let mut columns = Vec::new();
    for document in documents {
        let place = || format!("column `{}`", document.name);
        if document.ignore {
            if document.kind.is_some() || document.constant.is_some() {
                return Err(
                    Error::config("`ignore` leaves the column out: remove its other keys")
                        .context(place()),
                );
            }
            source.ignored.push(document.from.unwrap_or(document.name));
            continue;
        }
        let kind = document.kind.as_deref().ok_or_else(|| {
            Error::config("`type` is missing: name one, or `ignore = true`").context(place())
        })?;
        let kind = ColumnType::parse(kind).context(place)?;
        let origin = Origin {
            timestamps: document
                .timestamps
                .as_deref()
                .map(timestamps)
                .transpose()
                .context(place)?,
            from: document.from,
            default: document.default,
            constant: document.constant,
            file_name: document.file_name,
            is_modified_time: false,
        };
        let position = document
            .position
            .as_deref()
            .map(|text| position(text, kind));
        let position = position
            .transpose()
            .context(|| format!("column `{}`", document.name))?;
        check_origin(kind, &origin).context(|| format!("column `{}`", document.name))?;
        source.columns.push(origin);
        columns.push(Column {
            name: document.name,
            kind,
            required: document.required,
            position,
        });
    }
    Ok(columns)
}

/// Sets the origin of a snapshot's time: the first ordering column, unless `time` names another origin.
fn take_snapshot_time(contract: &mut Contract, time: String) -> Result<()> {
    let column = contract.order[0];
    let name = &contract.columns[column].name;
    let origin = &mut contract.source.columns[column];
    if time == *name {
        return Ok(());
    }
    if origin.is_outside_the_rows() || origin.from.is_some() {
        return Err(Error::config(format!(
            "source.snapshot_time: column `{name}`, which orders the snapshots, says where its value comes from: remove one of the two"
        )));
    }
    if time == "modified" {
        origin.is_modified_time = true;
    } else if time.matches('*').count() == 1 {
        origin.file_name = Some(time);
    } else {
        return Err(Error::config(format!(
            "source.snapshot_time: invalid value `{}`: expected `modified`, a file name with one `*` where the time stands, or `{name}`, the first ordering column",
            time.escape_debug()
        )));
    }
    Ok(())
}

fn position(name: &str, kind: ColumnType) -> Result<Position> {
    let position = Position::parse(name)?;
    match kind {
        ColumnType::Text { max_chars } if max_chars >= position.least_chars() => Ok(position),
        _ => Err(Error::config(format!(
            "`position` `{name}` is of a VARCHAR of at least {} characters, the column is a {kind}",
            position.least_chars()
        ))),
    }
}

fn check_origin(kind: ColumnType, origin: &Origin) -> Result<()> {
    let given = [&origin.from, &origin.constant, &origin.file_name];
    if given.iter().filter(|one| one.is_some()).count() > 1 {
        return Err(Error::config(
            "has two origins: name one of `from`, `constant`, `file_name`",
        ));
    }
    for (key, value) in [("default", &origin.default), ("constant", &origin.constant)] {
        if let Some(value) = value.as_ref().filter(|text| !kind.accepts(text.as_bytes())) {
            return Err(Error::config(format!(
                "`{key}`: invalid value `{}`: expected a {kind}",
                value.escape_debug()
            )));
        }
    }
    if let Some(pattern) = origin
        .file_name
        .as_ref()
        .filter(|text| text.matches('*').count() != 1)
    {
        return Err(Error::config(format!(
            "`file_name`: invalid pattern `{}`: expected a name with one `*` where the value stands, such as `orders-*.csv`",
            pattern.escape_debug()
        )));
    }
    if origin.timestamps.is_some()
        && !matches!(
            kind,
            ColumnType::Timestamp
                | ColumnType::OffsetTimestamp
                | ColumnType::Instant
                | ColumnType::Date
        )
    {
        return Err(Error::config(format!(
            "`timestamps` describes timestamps and dates, the column is a {kind}"
        )));
    }
    Ok(())
}

fn indices(contract: &Contract, names: &[String], role: &str) -> Result<Vec<usize>> {
    if names.is_empty() {
        return Err(Error::config(format!(
            "`{role}` is empty: expected at least one column"
        )));
    }
    names
        .iter()
        .map(|name| contract.index_of(name, role))
        .collect()
}

fn check_names(contract: &Contract) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    let own = contract
        .history_columns
        .names(contract.has_partial_updates());
    for name in contract.header().chain([contract.table()]).chain(own) {
        if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
            return Err(Error::config(format!(
                "invalid name `{}`: expected 1 to 200 printable characters",
                name.escape_debug()
            )));
        }
    }
    for name in contract.header() {
        if !seen.insert(name.to_lowercase()) {
            return Err(Error::config(format!("column `{name}` is declared twice")));
        }
    }
    if let Some(column) = contract
        .columns()
        .iter()
        .find(|one| contract.has_partial_updates() && one.name.contains(','))
    {
        return Err(Error::config(format!(
            "column `{}`: partial updates name the columns that they give, with commas between them: use a name without a comma",
            column.name
        )));
    }
    history_columns::check(contract)
}

fn check_roles(contract: &Contract) -> Result<()> {
    let mut order = contract.order();
    match order.next() {
        Some(first) if first.kind == ColumnType::Timestamp => {}
        Some(first) => {
            return Err(Error::config(format!(
                "invalid `order`: it begins with `{}` of type {}; expected a TIMESTAMP_NTZ(6) first, which becomes valid_from",
                first.name, first.kind
            )));
        }
        None => return Err(Error::bug("a contract without order passed its check")),
    }
    for column in order {
        let is_whole = matches!(column.kind, ColumnType::Number { scale: 0, .. });
        if !is_whole && column.position.is_none() {
            return Err(Error::config(format!(
                "invalid `order` column `{}` of type {}: expected a whole number after the timestamp, or a VARCHAR with `position`",
                column.name, column.kind
            )));
        }
    }
    if let Some(column) = contract
        .key()
        .find(|one| matches!(one.kind, ColumnType::Float | ColumnType::Json))
    {
        return Err(Error::config(format!(
            "invalid `key` column `{}`: a {} does not identify a row",
            column.name, column.kind
        )));
    }
    let mut seen = std::collections::HashSet::new();
    for &index in contract.key.iter().chain(&contract.order) {
        if !seen.insert(index) {
            let name = &contract.columns[index].name;
            return Err(Error::config(format!(
                "column `{name}` stands twice in `key` and `order`"
            )));
        }
    }
    Ok(())
}
