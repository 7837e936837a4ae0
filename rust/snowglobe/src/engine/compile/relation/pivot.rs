//! PIVOT and UNPIVOT.

use sqlparser::ast::{Expr, ExprWithAlias, NullInclusion, PivotValueSource, TableFactor};

use super::super::query::named;
use super::Compiler;
use crate::sql::fragment::Sql;
use crate::types::error::{Result, SnowflakeError};

impl Compiler<'_> {
    /// `table PIVOT (sum(v) FOR k IN ('x', 'y'))`
    pub(super) fn pivot(&mut self, factor: &TableFactor) -> Result<Sql> {
        let TableFactor::Pivot {
            table,
            aggregate_functions,
            value_column,
            value_source: PivotValueSource::List(values),
            default_on_null: None,
            alias,
        } = factor
        else {
            return Err(SnowflakeError::unsupported(format!("FROM {factor}")));
        };
        let table = self.table_factor(table)?;
        let aggregates = self.with_aliases(aggregate_functions)?;
        let [column] = value_column.as_slice() else {
            return Err(SnowflakeError::unsupported("PIVOT of several columns"));
        };
        let column = self.expr(column)?;
        let values = self.with_aliases(values)?;
        let pivoted = Sql::of(
            "{0} pivot ({1} for {2} in ({3}))",
            &[table, aggregates, column, values],
        );
        match alias {
            Some(alias) => Ok(Sql::join([pivoted, super::alias(alias)?], "")),
            None => Ok(pivoted),
        }
    }

    /// `table UNPIVOT (v FOR k IN (a, b))`
    pub(super) fn unpivot(&mut self, factor: &TableFactor) -> Result<Sql> {
        let TableFactor::Unpivot {
            table,
            value: Expr::Identifier(value),
            name,
            columns,
            null_inclusion,
            alias,
        } = factor
        else {
            return Err(SnowflakeError::unsupported(format!("FROM {factor}")));
        };
        let template = match null_inclusion {
            Some(NullInclusion::IncludeNulls) => "{0} unpivot include nulls ({1} for {2} in ({3}))",
            Some(NullInclusion::ExcludeNulls) | None => "{0} unpivot ({1} for {2} in ({3}))",
        };
        let table = self.table_factor(table)?;
        let name_of = |ident| Sql::name(&super::super::folded(ident));
        let columns = self.with_aliases(columns)?;
        let unpivoted = Sql::of(template, &[table, name_of(value), name_of(name), columns]);
        match alias {
            Some(alias) => Ok(Sql::join([unpivoted, super::alias(alias)?], "")),
            None => Ok(unpivoted),
        }
    }

    fn with_aliases(&mut self, items: &[ExprWithAlias]) -> Result<Sql> {
        let mut written = Vec::new();
        for item in items {
            let expr = self.expr(&item.expr)?;
            written.push(match &item.alias {
                Some(alias) => Sql::join([expr, named(alias)], ""),
                None => expr,
            });
        }
        Ok(Sql::list(written))
    }
}
