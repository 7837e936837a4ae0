//! What stands in FROM: tables at a commit, views, streams, stages, INFORMATION_SCHEMA and table functions.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName,
    ObjectNamePart, TableAlias, TableAliasColumnDef, TableFactor, TableVersion,
};

use super::{Compiler, raw};
use crate::engine::catalog::{Body, Kind, Object, Stream, Table};
use crate::engine::copy::validate;
use crate::engine::error::{Result, SnowflakeError};
use crate::engine::storage::Rows;
use crate::engine::value::{ColumnMeta, Value};
use crate::engine::{information, timetravel};
use crate::sql::cursor::{Name, literal, quoted};
use crate::sql::types;

/// Starts the name by which DML asks for its target with the hidden columns; the table's id follows.
pub const TARGET: char = '\u{1}';

impl Compiler<'_> {
    pub(super) fn table_factor(&mut self, factor: &mut TableFactor) -> Result<()> {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args,
                version,
                ..
            } => {
                let parts = name_parts(name)?;
                if parts.len() == 1 && self.is_cte(&parts[0]) && args.is_none() {
                    return Ok(());
                }
                let (sql, short) = if let Some(args) = args.take() {
                    let last = parts.last().cloned().unwrap_or_default();
                    (self.table_function(&last, &args.args)?, last)
                } else {
                    (
                        self.relation(&parts, version.take())?,
                        parts.last().cloned().unwrap_or_default(),
                    )
                };
                *name = ObjectName(vec![ObjectNamePart::Identifier(raw(sql))]);
                if alias.is_none() {
                    *alias = Some(alias_of(&short));
                }
                Ok(())
            }
            TableFactor::TableFunction { expr, alias } => {
                let sql = match expr {
                    Expr::Function(function) => self.called(function)?,
                    // The expression is rendered by now; a table function left its SQL.
                    Expr::Identifier(ident) if ident.quote_style.is_none() => ident.value.clone(),
                    other => return Err(SnowflakeError::unsupported(format!("TABLE({other})"))),
                };
                *factor = plain_table(sql, alias.take());
                Ok(())
            }
            TableFactor::Function {
                name,
                args,
                alias,
                lateral,
                ..
            } => {
                let last = name_parts(name)?.pop().unwrap_or_default();
                let mut sql = self.table_function(&last, args)?;
                if *lateral {
                    sql = format!("lateral {sql}");
                }
                let alias = alias.take().or_else(|| Some(alias_of(&last)));
                *factor = plain_table(sql, alias);
                Ok(())
            }
            TableFactor::Derived {
                subquery, alias, ..
            } => {
                if let (sqlparser::ast::SetExpr::Values(values), Some(alias)) =
                    (subquery.body.as_ref(), alias.as_mut())
                    && alias.columns.is_empty()
                {
                    let width = values.rows.first().map_or(0, |row| row.content.len());
                    alias.columns = (1..=width)
                        .map(|n| column_alias(&format!("COLUMN{n}")))
                        .collect();
                } else if let (sqlparser::ast::SetExpr::Values(values), None) =
                    (subquery.body.as_ref(), alias.as_ref())
                {
                    let width = values.rows.first().map_or(0, |row| row.content.len());
                    let mut named = alias_of("VALUES");
                    named.columns = (1..=width)
                        .map(|n| column_alias(&format!("COLUMN{n}")))
                        .collect();
                    *alias = Some(named);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Table functions reached through an expression, as in `TABLE(f(…))`.
    pub(super) fn called(&mut self, function: &Function) -> Result<String> {
        let last = name_parts(&function.name)?.pop().unwrap_or_default();
        let args = match &function.args {
            FunctionArguments::List(list) => list.args.clone(),
            _ => Vec::new(),
        };
        self.table_function(&last, &args)
    }

    fn relation(&mut self, parts: &[String], version: Option<TableVersion>) -> Result<String> {
        if let Some(id) = parts[0].strip_prefix(TARGET) {
            return self.target(id);
        }
        if let Some(stage) = parts[0].strip_prefix('@') {
            let found = self.context.staged.get(&format!("@{stage}"));
            return found
                .cloned()
                .ok_or_else(|| SnowflakeError::internal(format!("stage {stage} was not staged")));
        }
        if parts.len() >= 2 && parts[parts.len() - 2] == "INFORMATION_SCHEMA" {
            let database = if parts.len() == 3 {
                Some(parts[0].clone())
            } else {
                self.context.database.clone()
            };
            let database = database.ok_or_else(no_database)?;
            let rows = information::view(self.context, &database, &parts[parts.len() - 1])?;
            return Ok(values_relation(&rows));
        }
        let object = self.context.find_relation(&Name(parts.to_vec()))?;
        self.context.require(&object, "SELECT")?;
        let snapshot = match version {
            None => None,
            Some(_) if !matches!(object.body, Body::Table(_)) => {
                return Err(SnowflakeError::unsupported(
                    "time travel of anything but tables",
                ));
            }
            Some(TableVersion::Function(expr)) => {
                Some(timetravel::snapshot(self.context, &object, &expr)?)
            }
            Some(other) => return Err(SnowflakeError::unsupported(other)),
        };
        match &object.body {
            Body::Table(table) => Ok(self.table(&object, table, snapshot)),
            Body::View { columns, query, .. } => self.view(&object, columns, query),
            Body::Stream(stream) => self.stream(&object, stream),
            _ => Err(SnowflakeError::missing("Object", Name(parts.to_vec()))),
        }
    }

    fn table(&self, object: &Object, table: &Table, snapshot: Option<i64>) -> String {
        let visible = match snapshot {
            Some(at) => format!("_begin <= {at} and _end > {at}"),
            None => self.context.visible(),
        };
        format!(
            "(select {} from \"T{}\" where {visible})",
            column_list(table),
            object.id
        )
    }

    fn target(&self, id: &str) -> Result<String> {
        let id: u64 = id.parse().map_err(SnowflakeError::internal)?;
        let object = self
            .context
            .catalog
            .by_id(id)
            .ok_or_else(|| SnowflakeError::internal("target is gone"))?;
        let columns = column_list(object.table()?);
        Ok(format!(
            "(select {columns}, _rid, rowid as _row from \"T{id}\" where {})",
            self.context.visible()
        ))
    }

    fn view(&mut self, object: &Object, columns: &[String], query: &str) -> Result<String> {
        if self.views > 30 {
            return Err(SnowflakeError::compilation(format!(
                "view {} refers to itself",
                object.name()
            )));
        }
        // A view reads with its owner's rights, and its names lead where it was made.
        let inner = self
            .context
            .elsewhere(&object.path[0], &object.path[1], &object.owner);
        let mut compiler = Compiler::new(&inner);
        compiler.views = self.views + 1;
        let sql = compiler.query_text(query)?;
        self.streams.extend(compiler.streams);
        if columns.is_empty() {
            return Ok(format!("({sql})"));
        }
        let names = columns
            .iter()
            .map(|c| quoted(c))
            .collect::<Vec<_>>()
            .join(", ");
        Ok(format!("(select * from ({sql}) as v({names}))"))
    }

    fn stream(&mut self, object: &Object, stream: &Stream) -> Result<String> {
        let base = self.context.catalog.by_id(stream.table).ok_or_else(|| {
            SnowflakeError::new(
                "091111",
                "01000",
                format!(
                    "Base table '{}' dropped, cannot read from stream '{}'.",
                    stream.table_name,
                    object.short()
                ),
            )
        })?;
        timetravel::check_stale(self.context, object, base)?;
        let table = base.table()?;
        self.streams.insert(object.id);
        let (from, to) = (
            self.context.shared.offset_of(object.id),
            self.context.stream_end,
        );
        Ok(stream_sql(base.id, table, stream.append_only, from, to))
    }

    pub(super) fn table_function(&mut self, name: &str, args: &[FunctionArg]) -> Result<String> {
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

/// The SQL of a stream's changes after the commit `from` up to the commit `to`.
pub fn stream_sql(id: u64, table: &Table, append_only: bool, from: i64, to: i64) -> String {
    let columns = column_list(table);
    let tail = |action: &str, update: &str| {
        format!(
            "'{action}' as \"METADATA$ACTION\", {update} as \"METADATA$ISUPDATE\", sf_row_id({id}, _rid) as \"METADATA$ROW_ID\""
        )
    };
    let physical = format!("\"T{id}\"");
    // A stream that shows initial rows starts before everything: what is there counts as inserted.
    if from < 0 {
        let insert = tail("INSERT", "false");
        return format!(
            "(select {columns}, {insert} from {physical} where _begin <= {to} and _end > {to})"
        );
    }
    if append_only {
        let insert = tail("INSERT", "false");
        return format!(
            "(select {columns}, {insert} from {physical} where _begin > {from} and _begin <= {to} and not _updated)"
        );
    }
    // The minimal net change: versions there at one end of the interval and not at the other.
    let new = format!("_begin > {from} and _begin <= {to} and _end > {to}");
    let old = format!("_begin <= {from} and _end > {from} and _end <= {to}");
    let insert = tail(
        "INSERT",
        &format!("(_rid in (select _rid from {physical} where {old}))"),
    );
    let delete = tail(
        "DELETE",
        &format!("(_rid in (select _rid from {physical} where {new}))"),
    );
    format!(
        "(select {columns}, {insert} from {physical} where {new} union all select {columns}, {delete} from {physical} where {old})"
    )
}

/// The columns, quoted.
pub fn column_list(table: &Table) -> String {
    table
        .columns
        .iter()
        .map(|c| quoted(&c.name))
        .collect::<Vec<_>>()
        .join(", ")
}

fn no_database() -> SnowflakeError {
    SnowflakeError::new(
        "090105",
        "22000",
        "Cannot perform SELECT. This session does not have a current database. Call 'USE DATABASE', or use a qualified name.",
    )
}

fn name_parts(name: &ObjectName) -> Result<Vec<String>> {
    let part = |part: &ObjectNamePart| match part {
        ObjectNamePart::Identifier(ident) => Ok(ident.value.clone()),
        // `IDENTIFIER('name')`
        ObjectNamePart::Function(function) => Err(SnowflakeError::unsupported(function)),
    };
    let parts: Vec<String> = name.0.iter().map(part).collect::<Result<_>>()?;
    // `db..table` means the schema PUBLIC.
    Ok(parts
        .into_iter()
        .map(|p| if p.is_empty() { "PUBLIC".to_owned() } else { p })
        .collect())
}

fn alias_of(name: &str) -> TableAlias {
    TableAlias {
        explicit: true,
        name: Ident::with_quote('"', name),
        columns: Vec::new(),
        at: None,
    }
}

fn column_alias(name: &str) -> TableAliasColumnDef {
    TableAliasColumnDef {
        name: Ident::with_quote('"', name),
        data_type: None,
    }
}

fn plain_table(sql: String, alias: Option<TableAlias>) -> TableFactor {
    TableFactor::Table {
        name: ObjectName(vec![ObjectNamePart::Identifier(raw(sql))]),
        alias,
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
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
                    literal(&super::substitute::decimal(*digits, scale)),
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

impl super::Context<'_> {
    /// The predicate under which a row version is seen.
    pub fn visible(&self) -> String {
        let at = self.snapshot;
        match self.own {
            None => format!("_begin <= {at} and _end > {at}"),
            Some(own) => {
                format!("(_begin <= {at} or _begin = {own}) and _end > {at} and _end <> {own}")
            }
        }
    }

    /// The full path of a name.
    ///
    /// # Errors
    /// If the session has no current database or schema and the name needs one.
    pub fn full_path(&self, kind: Kind, name: &Name) -> Result<Vec<String>> {
        let wanted = kind.name_parts();
        let missing = wanted.checked_sub(name.0.len());
        let missing = missing.ok_or_else(|| {
            SnowflakeError::compilation(format!(
                "invalid name '{name}' for a {}",
                kind.noun().to_lowercase()
            ))
        })?;
        let mut path = Vec::with_capacity(wanted);
        let database = || {
            self.database.clone().ok_or_else(|| {
                SnowflakeError::new("090105", "22000", "Cannot perform operation. This session does not have a current database. Call 'USE DATABASE', or use a qualified name.")
            })
        };
        match (wanted, missing) {
            (_, 0) => {}
            (3, 2) => {
                path.push(database()?);
                path.push(self.schema.clone().ok_or_else(|| {
                    SnowflakeError::new("090106", "22000", "Cannot perform operation. This session does not have a current schema. Call 'USE SCHEMA', or use a qualified name.")
                })?);
            }
            _ => path.push(database()?),
        }
        path.extend(name.0.iter().cloned());
        Ok(path)
    }

    /// The object of that kind, if the role may know of it.
    ///
    /// # Errors
    /// `does not exist or not authorized`.
    pub fn find(&self, kind: Kind, name: &Name) -> Result<Arc<Object>> {
        let path = self.full_path(kind, name)?;
        let shown = Name(path.clone());
        let missing = || {
            SnowflakeError::missing(
                kind.noun(),
                if kind.name_parts() == 3 { &shown } else { name },
            )
        };
        let object = self
            .catalog
            .find(kind, &path)
            .filter(|o| self.may_see(o))
            .ok_or_else(missing)?;
        Ok(Arc::clone(object))
    }

    /// A table, view or stream.
    ///
    /// # Errors
    /// `does not exist or not authorized`.
    pub fn find_relation(&self, name: &Name) -> Result<Arc<Object>> {
        let path = self.full_path(Kind::Table, name)?;
        let kinds = [Kind::Table, Kind::Stream];
        let found = kinds
            .into_iter()
            .find_map(|kind| self.catalog.find(kind, &path).filter(|o| self.may_see(o)));
        found
            .cloned()
            .ok_or_else(|| SnowflakeError::missing("Object", Name(path)))
    }

    fn may_see(&self, object: &Object) -> bool {
        if let Body::Table(Table {
            temporary_of: Some(session),
            ..
        }) = &object.body
            && *session != self.session_id
        {
            return false;
        }
        if matches!(object.kind, Kind::Role | Kind::User) {
            return true;
        }
        let containers = [(Kind::Database, 1), (Kind::Schema, 2)];
        let open = containers
            .iter()
            .filter(|(_, depth)| object.path.len() > *depth)
            .all(|(kind, depth)| {
                let container = self.catalog.find(*kind, &object.path[..*depth]);
                container.is_some_and(|c| self.catalog.has_any_privilege(&self.roles, c))
            });
        open && (self.catalog.has_any_privilege(&self.roles, object)
            || self.owns_something_in(object))
    }

    fn owns_something_in(&self, object: &Object) -> bool {
        matches!(object.kind, Kind::Database | Kind::Schema)
            && self
                .catalog
                .within(&object.path)
                .iter()
                .any(|o| self.roles.contains(&o.owner))
    }

    /// Fails unless the role has the privilege on the object.
    ///
    /// # Errors
    /// `Insufficient privileges`.
    pub fn require(&self, object: &Object, privilege: &str) -> Result<()> {
        if self.catalog.has_privilege(&self.roles, object, privilege) {
            return Ok(());
        }
        Err(SnowflakeError::privileges(
            object.kind.noun(),
            object.short(),
        ))
    }
}
