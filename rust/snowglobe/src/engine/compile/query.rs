//! Queries: WITH, set operations, VALUES, ORDER BY and LIMIT.

use std::collections::BTreeMap;

use sqlparser::ast::{
    Cte, CteAsMaterialized, Expr, Fetch, Ident, LimitClause, OrderBy, OrderByExpr, OrderByKind,
    OrderByOptions, OrderBySort, Query, SetExpr, SetOperator, SetQuantifier, TableAlias,
    TopQuantity, Values, With,
};

use super::{Compiler, folded};
use crate::sql::fragment::Sql;
use crate::types::error::{Result, SnowflakeError};

/// How many rows VALUES, and how many items IN may have: "maximum number of expressions in a list".
const MAX_LIST: usize = 200_000;
/// A set operation of more queries than this is written as a balanced tree, which DuckDB binds in less than quadratic time.
const LONG_UNION: usize = 50;

impl Compiler<'_> {
    pub(super) fn query(&mut self, query: &Query) -> Result<Sql> {
        self.enter()?;
        self.scopes.push(BTreeMap::new());
        let compiled = self.query_in_scope(query);
        self.scopes.pop();
        self.leave();
        compiled
    }

    fn query_in_scope(&mut self, query: &Query) -> Result<Sql> {
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        if !locks.is_empty()
            || for_clause.is_some()
            || settings.is_some()
            || format_clause.is_some()
            || !pipe_operators.is_empty()
        {
            return Err(SnowflakeError::unsupported("this clause of a query"));
        }
        let mut parts = Vec::new();
        if let Some(with) = with {
            parts.push(self.with(with)?);
        }
        parts.push(self.set_expr(body)?);
        if let Some(order_by) = order_by {
            parts.push(self.order_by(order_by)?);
        }
        if let Some(limit) = self.limit(body, limit_clause.as_ref(), fetch.as_ref())? {
            parts.push(limit);
        }
        Ok(Sql::join(parts, " "))
    }

    fn with(&mut self, with: &With) -> Result<Sql> {
        let ctes = with
            .cte_tables
            .iter()
            .map(|cte| self.cte(cte, with.recursive))
            .collect::<Result<Vec<_>>>()?;
        let template = match with.recursive {
            true => "with recursive {0}",
            false => "with {0}",
        };
        Ok(Sql::of(template, &[Sql::list(ctes)]))
    }

    /// A CTE, under a name that no table of DuckDB's has: what it is called leads to nothing else.
    fn cte(&mut self, cte: &Cte, is_recursive: bool) -> Result<Sql> {
        if cte.from.is_some() {
            return Err(SnowflakeError::unsupported("FROM in a CTE"));
        }
        self.ctes += 1;
        let (name, written) = (folded(&cte.alias.name), format!("cte_{}", self.ctes));
        let declare = |compiler: &mut Self| {
            if let Some(scope) = compiler.scopes.last_mut() {
                scope.insert(name.clone(), written.clone());
            }
        };
        // A CTE may read the table whose name it takes, unless it is recursive.
        if is_recursive {
            declare(self);
        }
        let query = self.query(&cte.query)?;
        declare(self);
        let template = match cte.materialized {
            None => "{0}{1} as ({2})",
            Some(CteAsMaterialized::Materialized) => "{0}{1} as materialized ({2})",
            Some(CteAsMaterialized::NotMaterialized) => "{0}{1} as not materialized ({2})",
        };
        let columns = column_names(&cte.alias);
        Ok(Sql::of(template, &[Sql::name(&written), columns, query]))
    }

    /// A left-deep chain is walked, not descended into: it may be long.
    pub(super) fn set_expr(&mut self, body: &SetExpr) -> Result<Sql> {
        let (mut leftmost, mut rights) = (body, Vec::new());
        while let SetExpr::SetOperation {
            op,
            set_quantifier,
            left,
            right,
        } = leftmost
        {
            rights.push((set_operator(*op, *set_quantifier), &**right));
            leftmost = left;
        }
        rights.reverse();
        let first = self.operand(leftmost)?;
        if rights.len() > LONG_UNION && rights.iter().all(|(op, _)| *op == " union all ") {
            let mut all = vec![first];
            for (_, right) in &rights {
                all.push(self.operand(right)?);
            }
            return Ok(balanced(all));
        }
        let mut whole = first;
        for (operator, right) in rights {
            whole = Sql::join([whole, self.operand(right)?], operator);
        }
        Ok(whole)
    }

    fn operand(&mut self, body: &SetExpr) -> Result<Sql> {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(query) => Ok(Sql::of("({0})", &[self.query(query)?])),
            SetExpr::SetOperation { .. } => {
                self.enter()?;
                let inner = self.set_expr(body)?;
                self.leave();
                Ok(Sql::of("({0})", &[inner]))
            }
            SetExpr::Values(values) => self.values(values),
            SetExpr::Insert(_)
            | SetExpr::Update(_)
            | SetExpr::Delete(_)
            | SetExpr::Merge(_)
            | SetExpr::Table(_) => Err(SnowflakeError::unsupported("DML inside a query")),
        }
    }

    fn values(&mut self, values: &Values) -> Result<Sql> {
        check_list(values.rows.len())?;
        let mut rows = Vec::with_capacity(values.rows.len());
        for row in &values.rows {
            rows.push(Sql::of("({0})", &[self.list(&row.content)?]));
        }
        Ok(Sql::of("values {0}", &[Sql::list(rows)]))
    }

    fn order_by(&mut self, order_by: &OrderBy) -> Result<Sql> {
        if order_by.interpolate.is_some() {
            return Err(SnowflakeError::unsupported("INTERPOLATE"));
        }
        match &order_by.kind {
            OrderByKind::All(options) => Ok(Sql::of("order by all{0}", &[direction(options)?])),
            OrderByKind::Expressions(items) => {
                Ok(Sql::of("order by {0}", &[self.order_items(items)?]))
            }
        }
    }

    pub(super) fn order_items(&mut self, items: &[OrderByExpr]) -> Result<Sql> {
        let mut written = Vec::with_capacity(items.len());
        for item in items {
            if item.with_fill.is_some() {
                return Err(SnowflakeError::unsupported("WITH FILL"));
            }
            let direction = direction(&item.options)?;
            written.push(Sql::of("{0}{1}", &[self.expr(&item.expr)?, direction]));
        }
        Ok(Sql::list(written))
    }

    /// LIMIT, FETCH and TOP.
    fn limit(
        &mut self,
        body: &SetExpr,
        clause: Option<&LimitClause>,
        fetch: Option<&Fetch>,
    ) -> Result<Option<Sql>> {
        let (mut limit, mut offset) = (None, None);
        match clause {
            Some(LimitClause::LimitOffset {
                limit: l,
                offset: o,
                limit_by,
            }) if limit_by.is_empty() => {
                limit = l.as_ref().map(|l| self.expr(l)).transpose()?;
                offset = o.as_ref().map(|o| self.expr(&o.value)).transpose()?;
            }
            Some(other) => return Err(SnowflakeError::unsupported(other)),
            None => {}
        }
        match fetch {
            Some(Fetch {
                with_ties: false,
                percent: false,
                quantity: Some(quantity),
            }) => limit = Some(self.expr(quantity)?),
            Some(other) => return Err(SnowflakeError::unsupported(other)),
            None => {}
        }
        if let SetExpr::Select(select) = body
            && let Some(top) = &select.top
        {
            limit = match &top.quantity {
                Some(TopQuantity::Constant(n)) => Some(Sql::integer(*n)),
                Some(TopQuantity::Expr(expr)) => Some(self.expr(expr)?),
                None => return Err(SnowflakeError::unsupported("TOP without a number")),
            };
        }
        Ok(match (limit, offset) {
            (None, None) => None,
            (Some(limit), None) => Some(Sql::of("limit {0}", &[limit])),
            (None, Some(offset)) => Some(Sql::of("offset {0}", &[offset])),
            (Some(limit), Some(offset)) => Some(Sql::of("limit {0} offset {1}", &[limit, offset])),
        })
    }

    /// Expressions with commas between them.
    pub(super) fn list(&mut self, items: &[Expr]) -> Result<Sql> {
        check_list(items.len())?;
        let items: Result<Vec<Sql>> = items.iter().map(|item| self.expr(item)).collect();
        Ok(Sql::list(items?))
    }
}

/// Fails for a list that is longer than Snowflake takes.
pub(super) fn check_list(length: usize) -> Result<()> {
    if length <= MAX_LIST {
        return Ok(());
    }
    Err(SnowflakeError::new(
        "001795",
        "42601",
        format!(
            "SQL compilation error: error line 1 at position 0\nmaximum number of expressions in a list exceeded, expected at most 200,000, got {}",
            grouped_digits(length)
        ),
    ))
}

fn grouped_digits(number: usize) -> String {
    let digits = number.to_string();
    let comma = |at: usize| at > 0 && (digits.len() - at).is_multiple_of(3);
    let shown = digits.char_indices().map(|(at, digit)| match comma(at) {
        true => format!(",{digit}"),
        false => digit.to_string(),
    });
    shown.collect()
}

fn balanced(mut queries: Vec<Sql>) -> Sql {
    while queries.len() > 1 {
        let pair = |pair: &[Sql]| match pair {
            [one] => one.clone(),
            pair => Sql::of("({0} union all {1})", pair),
        };
        queries = queries.chunks(2).map(pair).collect();
    }
    queries.pop().unwrap_or_default()
}

fn set_operator(operator: SetOperator, quantifier: SetQuantifier) -> &'static str {
    match (operator, quantifier) {
        (SetOperator::Union, SetQuantifier::All) => " union all ",
        (SetOperator::Union, SetQuantifier::ByName | SetQuantifier::DistinctByName) => {
            " union by name "
        }
        (SetOperator::Union, SetQuantifier::AllByName) => " union all by name ",
        (SetOperator::Union, _) => " union ",
        (SetOperator::Intersect, SetQuantifier::All) => " intersect all ",
        (SetOperator::Intersect, _) => " intersect ",
        (SetOperator::Except | SetOperator::Minus, SetQuantifier::All) => " except all ",
        (SetOperator::Except | SetOperator::Minus, _) => " except ",
    }
}

fn direction(options: &OrderByOptions) -> Result<Sql> {
    let sort = match &options.sort {
        None => "",
        Some(OrderBySort::Asc) => " asc",
        Some(OrderBySort::Desc) => " desc",
        Some(OrderBySort::Using(name)) => return Err(SnowflakeError::unsupported(name)),
    };
    let nulls = match options.nulls_first {
        None => "",
        Some(true) => " nulls first",
        Some(false) => " nulls last",
    };
    Ok(Sql::of("{0}{1}", &[Sql::known(sort), Sql::known(nulls)]))
}

/// `("A", "B")`, or nothing.
pub(super) fn column_names(alias: &TableAlias) -> Sql {
    let names = alias.columns.iter().map(|c| Sql::name(&folded(&c.name)));
    match alias.columns.is_empty() {
        true => Sql::default(),
        false => Sql::of("({0})", &[Sql::list(names)]),
    }
}

/// ` as "NAME"("A", "B")`
pub(super) fn alias(alias: &TableAlias) -> Result<Sql> {
    if alias.at.is_some() {
        return Err(SnowflakeError::unsupported("AT in an alias"));
    }
    let name = named(&alias.name);
    Ok(Sql::of("{0}{1}", &[name, column_names(alias)]))
}

/// ` as "NAME"`
pub(super) fn named(name: &Ident) -> Sql {
    Sql::of(" as {0}", &[Sql::name(&folded(name))])
}
