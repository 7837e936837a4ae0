//! What stands in FROM: tables at a commit, views, streams, stages, INFORMATION_SCHEMA and table functions.
//!
//! - `find`: names as objects, if the role may know of them
//! - `pivot`: PIVOT and UNPIVOT
//! - `table_function`: functions that return rows

mod find;
mod pivot;
mod table_function;

use sqlparser::ast::{
    Expr, Function, FunctionArguments, ObjectName, ObjectNamePart, Query, SetExpr, TableAlias,
    TableFactor, TableSample, TableSampleKind, TableSampleUnit, TableVersion,
};

use super::Compiler;
use super::query::alias;
use crate::engine::catalog::{Body, Object, Stream, Table};
use crate::engine::compile::time_travel;
use crate::sql::cursor::{Name, quoted};
use crate::sql::fragment::Sql;
use crate::types::error::{Result, SnowflakeError};

pub use table_function::values_relation;

/// The name by which DML asks for its target with the hidden columns. No statement can have it: [`crate::engine::execute`] refuses such names.
pub const TARGET: &str = "\u{1}target";

/// What compiling a view takes, however short it is.
const VIEW_WEIGHT: u64 = 200;

impl Compiler<'_> {
    /// A table, a subquery or a table function, with its alias.
    pub(super) fn table_factor(&mut self, factor: &TableFactor) -> Result<Sql> {
        match factor {
            TableFactor::Table { .. } => self.named_table(factor),
            TableFactor::TableFunction {
                expr: Expr::Function(function),
                alias: given,
            } => {
                let sql = self.called(function)?;
                aliased(sql, given.as_ref(), &last_part(&function.name)?)
            }
            TableFactor::Function {
                name,
                args,
                alias: given,
                lateral,
                with_ordinality: false,
            } => {
                let last = last_part(name)?;
                let mut sql = self.table_function(&last, args)?;
                if *lateral {
                    sql = Sql::of("lateral {0}", &[sql]);
                }
                aliased(sql, given.as_ref(), &last)
            }
            TableFactor::Derived {
                lateral,
                subquery,
                alias: given,
                sample,
            } => {
                let template = match lateral {
                    true => "lateral ({0})",
                    false => "({0})",
                };
                let sql = Sql::of(template, &[self.query(subquery)?]);
                let sql = derived_alias(sql, subquery, given.as_ref())?;
                sampled(sql, sample.as_ref())
            }
            TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => Ok(Sql::of("({0})", &[self.joined(table_with_joins)?])),
            TableFactor::Pivot { .. } => self.pivot(factor),
            TableFactor::Unpivot { .. } => self.unpivot(factor),
            other => Err(SnowflakeError::unsupported(format!("FROM {other}"))),
        }
    }

    fn named_table(&mut self, factor: &TableFactor) -> Result<Sql> {
        let TableFactor::Table {
            name,
            alias: given,
            args,
            with_hints,
            version,
            with_ordinality: false,
            partitions,
            json_path: None,
            sample,
            index_hints,
        } = factor
        else {
            return Err(SnowflakeError::unsupported(format!("FROM {factor}")));
        };
        if !with_hints.is_empty() || !partitions.is_empty() || !index_hints.is_empty() {
            return Err(SnowflakeError::unsupported(format!("FROM {factor}")));
        }
        let parts = name_parts(name)?;
        let last = parts.last().cloned().unwrap_or_default();
        let cte = match parts.as_slice() {
            [name] => self.cte_named(name).map(Sql::name),
            _ => None,
        };
        let sql = match (args, cte) {
            (Some(args), _) if args.settings.is_none() => self.table_function(&last, &args.args)?,
            (Some(_), _) => return Err(SnowflakeError::unsupported(format!("FROM {factor}"))),
            (None, Some(cte)) => cte,
            (None, None) => self.relation(&parts, version.as_ref())?,
        };
        sampled(aliased(sql, given.as_ref(), &last)?, sample.as_ref())
    }

    /// Table functions reached through an expression, as in `TABLE(f(…))`.
    fn called(&mut self, function: &Function) -> Result<Sql> {
        match &function.args {
            FunctionArguments::List(list) => {
                self.table_function(&last_part(&function.name)?, &list.args)
            }
            FunctionArguments::None | FunctionArguments::Subquery(_) => {
                Err(SnowflakeError::unsupported(format!("TABLE({function})")))
            }
        }
    }

    fn relation(&mut self, parts: &[String], version: Option<&TableVersion>) -> Result<Sql> {
        if parts == [TARGET]
            && let Some(target) = self.target
        {
            return Ok(Sql::written(self.target(target)?));
        }
        if let [marker] = parts
            && let Some(staged) = self.context.memory.staged.get(marker)
        {
            return Ok(Sql::written(staged.clone()));
        }
        if parts.len() >= 2 && parts[parts.len() - 2] == "INFORMATION_SCHEMA" {
            let database = match parts.len() {
                3 => Some(parts[0].clone()),
                _ => self.context.names.database.clone(),
            };
            let database = database.ok_or_else(no_database)?;
            let rows = self.context.environment.builtins.view(
                self.context,
                &database,
                &parts[parts.len() - 1],
            )?;
            return Ok(Sql::written(values_relation(&rows)));
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
                Some(time_travel::snapshot(self.context, &object, expr)?)
            }
            Some(other) => return Err(SnowflakeError::unsupported(other)),
        };
        match &object.body {
            Body::Table(table) => {
                self.reads_tables = true;
                Ok(Sql::written(self.table(&object, table, snapshot)))
            }
            Body::View { columns, query, .. } => self.view(&object, columns, query),
            Body::Stream(stream) => Ok(Sql::written(self.stream(&object, stream)?)),
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

    fn target(&self, id: u64) -> Result<String> {
        let object = self
            .context
            .snapshot
            .catalog
            .by_id(id)
            .ok_or_else(|| SnowflakeError::internal("target is gone"))?;
        let columns = column_list(object.table()?);
        Ok(format!(
            "(select {columns}, _rid, rowid as _row from \"T{id}\" where {})",
            self.context.visible()
        ))
    }

    fn view(&mut self, object: &Object, columns: &[String], query: &str) -> Result<Sql> {
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
        compiler.views_weight = self.views_weight;
        let sql = compiler.query_text(query)?;
        // Views on views may double at each step, so they are counted while they are written out.
        self.views_weight = compiler.views_weight + VIEW_WEIGHT + sql.weight();
        if self.views_weight > super::MAX_WEIGHT {
            return Err(super::too_complex("the views are too complex"));
        }
        self.streams.extend(compiler.streams);
        self.reads_tables |= compiler.reads_tables;
        self.calls.extend(compiler.calls);
        if columns.is_empty() {
            return Ok(Sql::of("({0})", &[sql]));
        }
        let names = Sql::list(columns.iter().map(|c| Sql::name(c)));
        Ok(Sql::of("(select * from ({0}) as v({1}))", &[sql, names]))
    }

    fn stream(&mut self, object: &Object, stream: &Stream) -> Result<String> {
        let base = self
            .context
            .snapshot
            .catalog
            .by_id(stream.table)
            .ok_or_else(|| {
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
        time_travel::check_stale(self.context, object, base)?;
        let table = base.table()?;
        self.streams.insert(object.id);
        self.reads_tables = true;
        let (from, to) = (
            self.context.environment.shared.offset_of(object.id),
            self.context.snapshot.stream_end,
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

/// The parts of a name, folded.
pub(super) fn name_parts(name: &ObjectName) -> Result<Vec<String>> {
    let part = |part: &ObjectNamePart| match part {
        ObjectNamePart::Identifier(ident) => Ok(super::folded(ident)),
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

fn last_part(name: &ObjectName) -> Result<String> {
    Ok(name_parts(name)?.pop().unwrap_or_default())
}

/// The relation under its alias, or else under its own name.
fn aliased(relation: Sql, given: Option<&TableAlias>, name: &str) -> Result<Sql> {
    let alias = match given {
        Some(given) => alias(given)?,
        None => Sql::of(" as {0}", &[Sql::name(name)]),
    };
    Ok(Sql::join([relation, alias], ""))
}

/// `SAMPLE (10)` is a percentage of the rows, `SAMPLE (10 ROWS)` a number of them. A seed is refused: its rows would be others than Snowflake's.
fn sampled(relation: Sql, sample: Option<&TableSampleKind>) -> Result<Sql> {
    let sample = match sample {
        None => return Ok(relation),
        Some(
            TableSampleKind::BeforeTableAlias(sample) | TableSampleKind::AfterTableAlias(sample),
        ) => sample,
    };
    let TableSample {
        quantity: Some(quantity),
        seed: None,
        bucket: None,
        offset: None,
        ..
    } = &**sample
    else {
        return Err(SnowflakeError::unsupported(format!("{sample}")));
    };
    let Expr::Value(value) = &quantity.value else {
        return Err(SnowflakeError::unsupported(format!("{sample}")));
    };
    let number = super::expression::literal(&value.value)?;
    let template = match quantity.unit {
        Some(TableSampleUnit::Rows) => "{0} tablesample reservoir ({1} rows)",
        Some(TableSampleUnit::Percent) | None => "{0} tablesample bernoulli ({1} percent)",
    };
    Ok(Sql::of(template, &[relation, number]))
}

/// A subquery under its alias. The columns of VALUES are COLUMN1, COLUMN2 and so on.
fn derived_alias(sql: Sql, subquery: &Query, given: Option<&TableAlias>) -> Result<Sql> {
    let columns = match (&*subquery.body, given) {
        (SetExpr::Values(values), given) if given.is_none_or(|a| a.columns.is_empty()) => {
            let width = values.rows.first().map_or(0, |row| row.content.len());
            let names = (1..=width).map(|n| Sql::name(&format!("COLUMN{n}")));
            Sql::of("({0})", &[Sql::list(names)])
        }
        _ => Sql::default(),
    };
    let name = match given {
        Some(given) => alias(given)?,
        None if !columns.is_empty() => Sql::of(" as {0}", &[Sql::name("VALUES")]),
        None => Sql::default(),
    };
    Ok(Sql::join([sql, name, columns], ""))
}
