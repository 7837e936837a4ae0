//! What stands in FROM: tables at a commit, views, streams, stages, INFORMATION_SCHEMA and table functions.
//!
//! - `find`: names as objects, if the role may know of them
//! - `table_function`: functions that return rows

mod find;
mod table_function;

use sqlparser::ast::{
    Expr, Function, FunctionArguments, Ident, ObjectName, ObjectNamePart, TableAlias,
    TableAliasColumnDef, TableFactor, TableVersion,
};

use super::{Compiler, raw};
use crate::engine::catalog::{Body, Object, Stream, Table};
use crate::engine::error::{Result, SnowflakeError};
use crate::engine::{information, timetravel};
use crate::sql::cursor::{Name, quoted};

pub use table_function::values_relation;

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
