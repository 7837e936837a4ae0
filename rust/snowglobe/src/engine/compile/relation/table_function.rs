//! Functions that return rows: FLATTEN, GENERATOR, RESULT_SCAN, those of INFORMATION_SCHEMA.

use std::collections::BTreeMap;

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr};

use crate::engine::compile::calls::not_constant;
use crate::engine::compile::{Compiler, folded};
use crate::engine::storage::{self, Rows};
use crate::sql::cursor::{Name, literal, quoted};
use crate::sql::fragment::Sql;
use crate::sql::types;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{ColumnMeta, Value};

/// Arguments by name; those without are named by their place.
type Arguments = BTreeMap<String, Sql>;

impl Compiler<'_> {
    pub(super) fn table_function(&mut self, name: &str, args: &[FunctionArg]) -> Result<Sql> {
        if name == "VALIDATE" {
            return self.validate(args);
        }
        let calls = self.calls.len();
        let arguments = self.named_arguments(args)?;
        match name {
            "FLATTEN" => flatten(&arguments),
            "GENERATOR" => {
                let count = arguments
                    .get("ROWCOUNT")
                    .ok_or_else(|| SnowflakeError::unsupported("GENERATOR without ROWCOUNT"))?;
                let count = std::slice::from_ref(count);
                Ok(Sql::of(
                    "(select range as _n from range(({0})::bigint))",
                    count,
                ))
            }
            "SPLIT_TO_TABLE" => {
                let (text, by) = (positional(&arguments, 0)?, positional(&arguments, 1)?);
                Ok(Sql::of(
                    "(select 1 as \"SEQ\", generate_subscripts(string_split({0}, {1}), 1) as \"INDEX\", unnest(string_split({0}, {1})) as \"VALUE\")",
                    &[text.clone(), by.clone()],
                ))
            }
            "RESULT_SCAN" => {
                let id = constant(positional(&arguments, 0)?)?;
                let found = self
                    .context
                    .memory
                    .results
                    .iter()
                    .find(|(query, _)| query == id);
                let (_, rows) = found.ok_or_else(|| {
                    SnowflakeError::new("000709", "02000", format!("Statement {id} not found"))
                })?;
                Ok(Sql::written(values_relation(rows)))
            }
            _ => {
                if self.calls.len() > calls {
                    return Err(not_constant());
                }
                let mut values = BTreeMap::new();
                for (key, argument) in arguments {
                    values.insert(key, self.value_of(argument)?);
                }
                let rows = self.context.environment.builtins.table_function(
                    self.context,
                    name,
                    &values,
                )?;
                Ok(Sql::written(values_relation(&rows)))
            }
        }
    }

    /// `VALIDATE(table, JOB_ID => '…')`, whose table is a name or a text.
    fn validate(&mut self, args: &[FunctionArg]) -> Result<Sql> {
        let Some((FunctionArg::Unnamed(FunctionArgExpr::Expr(table)), rest)) = args.split_first()
        else {
            return Err(SnowflakeError::unsupported("VALIDATE without a table"));
        };
        let table = match table {
            Expr::Identifier(name) => Name(vec![folded(name)]),
            Expr::CompoundIdentifier(parts) => Name(parts.iter().map(folded).collect()),
            other => Name::parse(constant(&self.expr(other)?)?)?,
        };
        let arguments = self.named_arguments(rest)?;
        let job = arguments.get("JOB_ID").map(constant).transpose()?;
        let rows = self.context.environment.builtins.validate(
            self.context,
            &table,
            job.unwrap_or_default(),
        )?;
        Ok(Sql::written(values_relation(&rows)))
    }

    fn named_arguments(&mut self, args: &[FunctionArg]) -> Result<Arguments> {
        let mut named = Arguments::new();
        for (at, arg) in args.iter().enumerate() {
            let (name, arg) = match arg {
                FunctionArg::Named { name, arg, .. } => (name.value.to_uppercase(), arg),
                FunctionArg::ExprNamed {
                    name: Expr::Identifier(name),
                    arg,
                    ..
                } => (name.value.to_uppercase(), arg),
                FunctionArg::Unnamed(arg) => (at.to_string(), arg),
                other => return Err(SnowflakeError::unsupported(format!("argument {other}"))),
            };
            let FunctionArgExpr::Expr(expr) = arg else {
                return Err(SnowflakeError::unsupported(format!("argument {arg}")));
            };
            named.insert(name, self.expr(expr)?);
        }
        Ok(named)
    }

    fn value_of(&self, argument: Sql) -> Result<Value> {
        let sql = Sql::of("select {0}", &[argument]);
        let rows = storage::query(self.context.connection, sql.as_str())?.rows;
        let first = rows.into_iter().next().and_then(|r| r.into_iter().next());
        Ok(first.unwrap_or(Value::Null))
    }
}

fn positional(arguments: &Arguments, at: usize) -> Result<&Sql> {
    arguments.get(&at.to_string()).ok_or_else(|| {
        SnowflakeError::new(
            "000938",
            "22023",
            "SQL compilation error:\nnot enough arguments for function",
        )
    })
}

/// The text of an argument that must be a literal.
fn constant(argument: &Sql) -> Result<&str> {
    argument
        .as_literal()
        .ok_or_else(|| SnowflakeError::compilation("a constant is needed as argument"))
}

/// FLATTEN's arguments that are words.
struct Flags {
    is_outer: bool,
    is_recursive: bool,
    mode: &'static str,
}

impl Flags {
    fn of(arguments: &Arguments) -> Result<Self> {
        let flag = |key: &str| match arguments.get(key).map(Sql::as_str) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(SnowflakeError::unsupported(format!(
                "FLATTEN({key} => anything but TRUE or FALSE)"
            ))),
        };
        let mode = arguments.get("MODE").map(constant).transpose()?;
        let mode = match mode.map(str::to_uppercase).as_deref() {
            None | Some("BOTH") => "true",
            Some("ARRAY") => "parent_type = 'ARRAY'",
            Some("OBJECT") => "parent_type = 'OBJECT'",
            Some(other) => {
                return Err(SnowflakeError::unsupported(format!(
                    "FLATTEN(MODE => '{other}')"
                )));
            }
        };
        Ok(Self {
            is_outer: flag("OUTER")?,
            is_recursive: flag("RECURSIVE")?,
            mode,
        })
    }
}

fn flatten(arguments: &Arguments) -> Result<Sql> {
    let input = match arguments.get("INPUT") {
        Some(input) => input,
        None => positional(arguments, 0)?,
    };
    let known = ["INPUT", "0", "PATH", "OUTER", "RECURSIVE", "MODE"];
    if let Some(key) = arguments.keys().find(|k| !known.contains(&k.as_str())) {
        return Err(SnowflakeError::unsupported(format!("FLATTEN({key} => …)")));
    }
    let flags = Flags::of(arguments)?;
    let input = match arguments.get("PATH") {
        Some(path) => Sql::of("sf_get_path({0}, {1})", &[input.clone(), path.clone()]),
        None => input.clone(),
    };
    // Of the tree, all but the root; of the document itself, its own elements.
    let elements = match flags.is_recursive {
        true => {
            "(select key, value, fullkey, json_type({0}, path) as parent_type, json_extract({0}, path) as this from json_tree({0}) where fullkey <> '$')"
        }
        false => {
            "(select key, value, fullkey, json_type({0}) as parent_type, {0} as this from json_each({0}))"
        }
    };
    let elements = Sql::of(elements, std::slice::from_ref(&input));
    let rows = Sql::of(
        "select 1 as \"SEQ\", case when parent_type = 'OBJECT' then key::varchar end as \"KEY\", \
         case when starts_with(fullkey, '$.') then substr(fullkey, 3) else substr(fullkey, 2) end as \"PATH\", \
         case when parent_type = 'ARRAY' then key::int end as \"INDEX\", value as \"VALUE\", this as \"THIS\" from {0} where {1}",
        &[elements, Sql::known(flags.mode)],
    );
    if !flags.is_outer {
        return Ok(Sql::of("({0})", &[rows]));
    }
    Ok(Sql::of(
        "({0} union all select 1, null, null, null, null::json, {1} where not exists ({0}))",
        &[rows, input],
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
            crate::types::value::SnowflakeType::Number { scale, .. } => {
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
