//! SELECT: its items and clauses.

use sqlparser::ast::{
    Distinct, ExcludeSelectItem, Expr, GroupByExpr, GroupByWithModifier, Ident, Join,
    JoinConstraint, JoinOperator, NamedWindowExpr, ObjectName, RenameSelectItem, Select,
    SelectItem, SelectItemQualifiedWildcardKind, TableFactor, TableWithJoins,
    WildcardAdditionalOptions,
};

use super::query::named;
use super::relation::name_parts;
use super::{Compiler, folded};
use crate::sql::fragment::Sql;
use crate::types::error::{Result, SnowflakeError};

impl Compiler<'_> {
    pub(super) fn select(&mut self, select: &Select) -> Result<Sql> {
        refuse_foreign(select)?;
        let distinct = match &select.distinct {
            None | Some(Distinct::All) => "select ",
            Some(Distinct::Distinct) => "select distinct ",
            Some(Distinct::On(_)) => return Err(SnowflakeError::unsupported("DISTINCT ON")),
        };
        let is_by_position = self.is_by_position(select);
        let outer = std::mem::replace(&mut self.by_position, is_by_position);
        let written = self.clauses(select, distinct);
        self.by_position = outer;
        written
    }

    /// Whether `$1` is a column by its place: of a subquery, of VALUES or of a table. A staged file has a column of that name.
    fn is_by_position(&self, select: &Select) -> bool {
        match select.from.as_slice() {
            [one] if one.joins.is_empty() => match &one.relation {
                TableFactor::Derived { .. }
                | TableFactor::TableFunction { .. }
                | TableFactor::Table { args: Some(_), .. } => true,
                TableFactor::Table { name, .. } => {
                    name_parts(name).is_ok_and(|parts| match parts.as_slice() {
                        [name] => {
                            self.cte_named(name).is_some()
                                || !self.context.memory.staged.contains_key(name)
                                    && !name.starts_with(['@', '\u{1}'])
                        }
                        _ => true,
                    })
                }
                _ => false,
            },
            _ => false,
        }
    }

    fn clauses(&mut self, select: &Select, distinct: &'static str) -> Result<Sql> {
        let items = match select.projection.is_empty() {
            // `FROM t` alone.
            true => Sql::known("*"),
            false => {
                let items: Result<Vec<Sql>> =
                    select.projection.iter().map(|i| self.item(i)).collect();
                Sql::list(items?)
            }
        };
        // The keyword makes it late: what is around it is chosen before its type is known.
        let mut parts = vec![Sql::join([Sql::known(distinct), items], "").into_late()];
        if !select.from.is_empty() {
            let from: Result<Vec<Sql>> = select.from.iter().map(|t| self.joined(t)).collect();
            parts.push(Sql::of("from {0}", &[Sql::list(from?)]));
        }
        self.push_clause(&mut parts, "where {0}", select.selection.as_ref())?;
        if let Some(group_by) = self.group_by(&select.group_by)? {
            parts.push(group_by);
        }
        self.push_clause(&mut parts, "having {0}", select.having.as_ref())?;
        if !select.named_window.is_empty() {
            parts.push(self.named_windows(select)?);
        }
        self.push_clause(&mut parts, "qualify {0}", select.qualify.as_ref())?;
        Ok(Sql::join(parts, " "))
    }

    fn push_clause(
        &mut self,
        parts: &mut Vec<Sql>,
        template: &'static str,
        condition: Option<&Expr>,
    ) -> Result<()> {
        if let Some(condition) = condition {
            parts.push(Sql::of(template, &[self.expr(condition)?]));
        }
        Ok(())
    }

    fn item(&mut self, item: &SelectItem) -> Result<Sql> {
        match item {
            SelectItem::UnnamedExpr(expr) => {
                let written = self.expr(expr)?;
                if let Expr::Identifier(ident) = expr
                    && ident.value.starts_with('$')
                {
                    return Ok(Sql::of("{0} as {1}", &[written, Sql::name(&ident.value)]));
                }
                if matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
                    return Ok(written);
                }
                // Snowflake names a column by its text.
                let name = expr.to_string().to_uppercase();
                Ok(Sql::of("{0} as {1}", &[written, Sql::name(&name)]))
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                Ok(Sql::join([self.expr(expr)?, named(alias)], ""))
            }
            SelectItem::ExprWithAliases { .. } => {
                Err(SnowflakeError::unsupported("several aliases of a column"))
            }
            SelectItem::Wildcard(options) => {
                Ok(Sql::of("*{0}", &[self.wildcard_options(options)?]))
            }
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(name),
                options,
            ) => {
                let options = self.wildcard_options(options)?;
                Ok(Sql::of("{0}.*{1}", &[qualifier(name)?, options]))
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(expr), _) => {
                Err(SnowflakeError::unsupported(format!("{expr}.*")))
            }
        }
    }

    /// EXCLUDE, REPLACE and RENAME.
    fn wildcard_options(&mut self, options: &WildcardAdditionalOptions) -> Result<Sql> {
        if options.opt_ilike.is_some()
            || options.opt_except.is_some()
            || options.opt_alias.is_some()
        {
            return Err(SnowflakeError::unsupported(format!("*{options}")));
        }
        let mut parts = vec![Sql::default()];
        let last = |name: &ObjectName| Ok(name_parts(name)?.pop().unwrap_or_default());
        if let Some(exclude) = &options.opt_exclude {
            let names = match exclude {
                ExcludeSelectItem::Single(name) => vec![last(name)?],
                ExcludeSelectItem::Multiple(names) => {
                    names.iter().map(last).collect::<Result<_>>()?
                }
            };
            let names = Sql::list(names.iter().map(|name| Sql::name(name)));
            parts.push(Sql::of("exclude ({0})", &[names]));
        }
        if let Some(replace) = &options.opt_replace {
            let mut items = Vec::new();
            for item in &replace.items {
                let value = self.expr(&item.expr)?;
                items.push(Sql::join([value, named(&item.column_name)], ""));
            }
            parts.push(Sql::of("replace ({0})", &[Sql::list(items)]));
        }
        if let Some(rename) = &options.opt_rename {
            let items = match rename {
                RenameSelectItem::Single(item) => std::slice::from_ref(item),
                RenameSelectItem::Multiple(items) => items,
            };
            let item =
                |old: &Ident, new: &Ident| Sql::join([Sql::name(&folded(old)), named(new)], "");
            let items = items.iter().map(|i| item(&i.ident, &i.alias));
            parts.push(Sql::of("rename ({0})", &[Sql::list(items)]));
        }
        Ok(Sql::join(parts, " "))
    }

    pub(super) fn joined(&mut self, tables: &TableWithJoins) -> Result<Sql> {
        let mut parts = vec![self.table_factor(&tables.relation)?];
        for join in &tables.joins {
            parts.push(self.join(join)?);
        }
        Ok(Sql::join(parts, " "))
    }

    fn join(&mut self, join: &Join) -> Result<Sql> {
        if join.global {
            return Err(SnowflakeError::unsupported("GLOBAL JOIN"));
        }
        let (word, constraint) = match &join.join_operator {
            JoinOperator::Join(on) | JoinOperator::Inner(on) => ("join", on),
            JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => ("left join", on),
            JoinOperator::Right(on) | JoinOperator::RightOuter(on) => ("right join", on),
            JoinOperator::FullOuter(on) => ("full join", on),
            JoinOperator::CrossJoin(on) => ("cross join", on),
            other => return Err(SnowflakeError::unsupported(join_name(other))),
        };
        let relation = self.table_factor(&join.relation)?;
        let (natural, constraint) = match constraint {
            JoinConstraint::None => ("", Sql::default()),
            JoinConstraint::Natural => ("natural ", Sql::default()),
            JoinConstraint::On(on) => ("", Sql::of(" on {0}", &[self.expr(on)?])),
            JoinConstraint::Using(names) => {
                let names: Result<Vec<Sql>> = names.iter().map(qualifier).collect();
                ("", Sql::of(" using ({0})", &[Sql::list(names?)]))
            }
        };
        let words = Sql::join([Sql::known(natural), Sql::known(word)], "");
        Ok(Sql::of("{0} {1}{2}", &[words, relation, constraint]))
    }

    fn group_by(&mut self, group_by: &GroupByExpr) -> Result<Option<Sql>> {
        let (list, modifiers) = match group_by {
            GroupByExpr::All(modifiers) => (Sql::known("all"), modifiers),
            GroupByExpr::Expressions(items, modifiers) if items.is_empty() => {
                return match modifiers.is_empty() {
                    true => Ok(None),
                    false => Err(SnowflakeError::unsupported(
                        "GROUP BY without an expression",
                    )),
                };
            }
            GroupByExpr::Expressions(items, modifiers) => (self.list(items)?, modifiers),
        };
        let template = match modifiers.as_slice() {
            [] => "group by {0}",
            [GroupByWithModifier::Rollup] => "group by rollup ({0})",
            [GroupByWithModifier::Cube] => "group by cube ({0})",
            _ => return Err(SnowflakeError::unsupported("this modifier of GROUP BY")),
        };
        Ok(Some(Sql::of(template, &[list])))
    }

    fn named_windows(&mut self, select: &Select) -> Result<Sql> {
        let mut windows = Vec::new();
        for definition in &select.named_window {
            let window = match &definition.1 {
                NamedWindowExpr::NamedWindow(name) => Sql::name(&folded(name)),
                NamedWindowExpr::WindowSpec(spec) => Sql::of("({0})", &[self.window(spec)?]),
            };
            let name = Sql::name(&folded(&definition.0));
            windows.push(Sql::of("{0} as {1}", &[name, window]));
        }
        Ok(Sql::of("window {0}", &[Sql::list(windows)]))
    }
}

/// The last part of a table's name: relations are known by it.
fn qualifier(name: &ObjectName) -> Result<Sql> {
    let last = name_parts(name)?.pop().unwrap_or_default();
    Ok(Sql::name(&last))
}

/// Other dialects' clauses, and those that Snowglobe does not have.
fn refuse_foreign(select: &Select) -> Result<()> {
    let found = [
        ("optimizer hints", !select.optimizer_hints.is_empty()),
        ("select modifiers", select.select_modifiers.is_some()),
        ("EXCLUDE behind the columns", select.exclude.is_some()),
        ("SELECT INTO", select.into.is_some()),
        ("LATERAL VIEW", !select.lateral_views.is_empty()),
        ("PREWHERE", select.prewhere.is_some()),
        ("CONNECT BY", !select.connect_by.is_empty()),
        ("CLUSTER BY", !select.cluster_by.is_empty()),
        ("DISTRIBUTE BY", !select.distribute_by.is_empty()),
        ("SORT BY", !select.sort_by.is_empty()),
        ("SELECT AS VALUE", select.value_table_mode.is_some()),
    ];
    match found.iter().find(|(_, is_there)| *is_there) {
        Some((name, _)) => Err(SnowflakeError::unsupported(name)),
        None => Ok(()),
    }
}

fn join_name(operator: &JoinOperator) -> &'static str {
    match operator {
        JoinOperator::AsOf { .. } => "ASOF JOIN",
        JoinOperator::CrossApply | JoinOperator::OuterApply => "APPLY",
        _ => "this kind of JOIN",
    }
}
