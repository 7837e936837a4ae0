//! Functions that return rows: FLATTEN, GENERATOR, RESULT_SCAN, those of INFORMATION_SCHEMA.

use std::collections::BTreeMap;

use sqlparser::ast::{FunctionArg, FunctionArgExpr};

use crate::engine::compile::Compiler;
use crate::engine::copy::validate;
use crate::engine::error::{Result, SnowflakeError};
use crate::engine::information;
use crate::engine::storage::Rows;
use crate::engine::value::{ColumnMeta, Value};
use crate::sql::cursor::{literal, quoted};
use crate::sql::types;

impl Compiler<'_> {
    pub(crate) fn table_function(&mut self, name: &str, args: &[FunctionArg]) -> Result<String> {
        let arguments = named_arguments(args);
        match name {
            "FLATTEN" => flatten(&arguments),
            "GENERATOR" => {
                let count = arguments
                    .get("ROWCOUNT")
                    .ok_or_else(|| SnowflakeError::unsupported("GENERATOR without ROWCOUNT"))?;
                Ok(format!(
                    "(select range as _n from range(({count})::bigint))"
                ))
            }
            "SPLIT_TO_TABLE" => {
                let (text, by) = (positional(&arguments, 0)?, positional(&arguments, 1)?);
                Ok(format!(
                    "(select 1 as \"SEQ\", generate_subscripts(string_split({text}, {by}), 1) as \"INDEX\", unnest(string_split({text}, {by})) as \"VALUE\")"
                ))
            }
            "VALIDATE" => {
                let job = arguments.get("JOB_ID").map_or("", String::as_str);
                let table = positional(&arguments, 0)?;
                let rows = validate::table_function(self.context, table, job.trim_matches('\''))?;
                Ok(values_relation(&rows))
            }
            "RESULT_SCAN" => {
                let id = positional(&arguments, 0)?;
                let id = id.trim_matches('\'');
                let found = self.context.results.iter().find(|(query, _)| query == id);
                let (_, rows) = found.ok_or_else(|| {
                    SnowflakeError::new("000709", "02000", format!("Statement {id} not found"))
                })?;
                Ok(values_relation(rows))
            }
            _ => {
                let evaluate = |text: &str| {
                    let rows = crate::engine::storage::query(
                        self.context.connection,
                        &format!("select {text}"),
                    )?;
                    Ok(rows
                        .rows
                        .into_iter()
                        .next()
                        .and_then(|r| r.into_iter().next())
                        .unwrap_or(Value::Null))
                };
                let values: Result<BTreeMap<String, Value>> = arguments
                    .iter()
                    .map(|(key, text)| Ok((key.clone(), evaluate(text)?)))
                    .collect();
                let rows = information::table_function(self.context, name, &values?)?;
                Ok(values_relation(&rows))
            }
        }
    }
}

/// Arguments by name; those without are named by their place.
fn named_arguments(args: &[FunctionArg]) -> BTreeMap<String, String> {
    let text = |arg: &FunctionArgExpr| arg.to_string();
    let named = |(at, arg): (usize, &FunctionArg)| match arg {
        FunctionArg::Named { name, arg, .. } => (name.value.to_uppercase(), text(arg)),
        FunctionArg::ExprNamed { name, arg, .. } => {
            (name.to_string().trim_matches('"').to_uppercase(), text(arg))
        }
        FunctionArg::Unnamed(arg) => (at.to_string(), text(arg)),
    };
    args.iter().enumerate().map(named).collect()
}

fn positional(arguments: &BTreeMap<String, String>, at: usize) -> Result<&str> {
    let found = arguments.get(&at.to_string()).map(String::as_str);
    found.ok_or_else(|| {
        SnowflakeError::new(
            "000938",
            "22023",
            "SQL compilation error:\nnot enough arguments for function",
        )
    })
}

fn flatten(arguments: &BTreeMap<String, String>) -> Result<String> {
    let input = arguments
        .get("INPUT")
        .map_or_else(|| positional(arguments, 0), |i| Ok(i.as_str()))?;
    let known = ["INPUT", "0", "PATH", "OUTER", "RECURSIVE", "MODE"];
    if let Some(key) = arguments.keys().find(|k| !known.contains(&k.as_str())) {
        return Err(SnowflakeError::unsupported(format!("FLATTEN({key} => …)")));
    }
    let flag = |key: &str| match arguments.get(key).map(|t| t.to_lowercase()).as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(SnowflakeError::unsupported(format!(
            "FLATTEN({key} => {other})"
        ))),
    };
    let input = match arguments.get("PATH") {
        Some(path) => format!("sf_get_path({input}, {path})"),
        None => input.to_owned(),
    };
    let mode = match arguments.get("MODE").map(|m| m.to_uppercase()).as_deref() {
        None | Some("'BOTH'") => "true",
        Some("'ARRAY'") => "parent_type = 'ARRAY'",
        Some("'OBJECT'") => "parent_type = 'OBJECT'",
        Some(other) => {
            return Err(SnowflakeError::unsupported(format!(
                "FLATTEN(MODE => {other})"
            )));
        }
    };
    // Of the tree, all but the root; of the document itself, its own elements.
    let elements = match flag("RECURSIVE")? {
        true => format!(
            "(select key, value, fullkey, json_type({input}, path) as parent_type, json_extract({input}, path) as this from json_tree({input}) where fullkey <> '$')"
        ),
        false => format!(
            "(select key, value, fullkey, json_type({input}) as parent_type, {input} as this from json_each({input}))"
        ),
    };
    let rows = format!(
        "select 1 as \"SEQ\", case when parent_type = 'OBJECT' then key::varchar end as \"KEY\", \
         case when starts_with(fullkey, '$.') then substr(fullkey, 3) else substr(fullkey, 2) end as \"PATH\", \
         case when parent_type = 'ARRAY' then key::int end as \"INDEX\", value as \"VALUE\", this as \"THIS\" from {elements} where {mode}"
    );
    if !flag("OUTER")? {
        return Ok(format!("({rows})"));
    }
    Ok(format!(
        "({rows} union all select 1, null, null, null, null::json, {input} where not exists ({rows}))"
    ))
}

/// Rows as a relation of constants.
pub fn values_relation(rows: &Rows) -> String {
    let value = |(value, column): (&Value, &ColumnMeta)| match value {
        Value::Null => format!("null::{}", types::duckdb(&column.kind)),
        Value::Text(text) => literal(text),
        Value::TimestampLtz(micros) => format!("make_timestamptz({micros})"),
        Value::TimestampNtz(micros) => format!("make_timestamp({micros})"),
        Value::Number(digits) => match column.kind {
            crate::engine::value::SnowflakeType::Number { scale, .. } => {
                format!(
                    "{}::{}",
                    literal(&crate::engine::compile::substitute::decimal(*digits, scale)),
                    types::duckdb(&column.kind)
                )
            }
            _ => digits.to_string(),
        },
        Value::Boolean(yes) => yes.to_string(),
        Value::Float(n) => format!("'{n}'::double"),
        Value::Date(days) => format!("(date '1970-01-01' + {days})"),
        Value::Json(text) => format!("{}::json", literal(text)),
        Value::Time(micros) => format!("(time '00:00:00' + to_microseconds({micros}))"),
        Value::Binary(bytes) => format!(
            "unhex('{}')",
            bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()
        ),
        Value::TimestampTz {
            micros,
            offset_minutes,
        } => format!("sf_tz({micros}, {offset_minutes})"),
    };
    let names = rows
        .columns
        .iter()
        .map(|c| quoted(&c.name))
        .collect::<Vec<_>>()
        .join(", ");
    let row = |row: &Vec<Value>| {
        format!(
            "({})",
            row.iter()
                .zip(&rows.columns)
                .map(value)
                .collect::<Vec<_>>()
                .join(", ")
        )
    };
    if rows.rows.is_empty() {
        let empty: Vec<String> = rows
            .columns
            .iter()
            .map(|c| format!("null::{} as {}", types::duckdb(&c.kind), quoted(&c.name)))
            .collect();
        return format!("(select {} where false)", empty.join(", "));
    }
    format!(
        "(select * from (values {}) as r({names}))",
        rows.rows.iter().map(row).collect::<Vec<_>>().join(", ")
    )
}
