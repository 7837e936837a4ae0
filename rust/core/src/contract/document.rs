//! The TOML document of a contract, and the checks that make it one.

use serde::Deserialize;

use super::{Column, ColumnType, Contract, HistoryColumns, history_columns};
use crate::error::{Context, Error, Result};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    table: String,
    op: String,
    key: Vec<String>,
    order: Vec<String>,
    columns: Vec<DocumentColumn>,
    #[serde(default)]
    history_columns: HistoryColumns,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentColumn {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    required: bool,
}

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
    let columns = document
        .columns
        .into_iter()
        .map(|column| {
            let kind =
                ColumnType::parse(&column.kind).context(|| format!("column `{}`", column.name))?;
            Ok(Column {
                name: column.name,
                kind,
                required: column.required,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let mut contract = Contract {
        table: document.table,
        op: document.op,
        columns,
        key: Vec::new(),
        order: Vec::new(),
        history_columns: document.history_columns,
    };
    check_names(&contract)?;
    contract.key = indices(&contract, &document.key, "key")?;
    contract.order = indices(&contract, &document.order, "order")?;
    check_roles(&contract)?;
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
    let own = contract.history_columns.names();
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
        if !matches!(column.kind, ColumnType::Number { scale: 0, .. }) {
            return Err(Error::config(format!(
                "invalid `order` column `{}` of type {}: expected whole numbers after the timestamp",
                column.name, column.kind
            )));
        }
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
