//! IS, IN, BETWEEN, LIKE and the other predicates.

use sqlparser::ast::{BinaryOperator, Expr, Query};

use super::Compiler;
use super::expression::either;
use super::operators::{Comparison, comparison_of};
use super::query::check_list;
use crate::sql::fragment::Sql;
use crate::types::error::{Result, SnowflakeError};

impl Compiler<'_> {
    /// The predicate, if the expression is one.
    pub(super) fn predicate(&mut self, expr: &Expr) -> Result<Option<Sql>> {
        let template = match expr {
            Expr::IsNull(_) => "{0} is null",
            Expr::IsNotNull(_) => "{0} is not null",
            Expr::IsTrue(_) => "{0} is true",
            Expr::IsNotTrue(_) => "{0} is not true",
            Expr::IsFalse(_) => "{0} is false",
            Expr::IsNotFalse(_) => "{0} is not false",
            Expr::IsUnknown(_) => "{0} is null",
            Expr::IsNotUnknown(_) => "{0} is not null",
            _ => return self.comparison(expr),
        };
        match expr {
            Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner) => {
                Ok(Some(Sql::of(template, &[self.expr(inner)?.grouped()])))
            }
            _ => Ok(None),
        }
    }

    fn comparison(&mut self, expr: &Expr) -> Result<Option<Sql>> {
        Ok(Some(match expr {
            Expr::IsDistinctFrom(left, right) => self.distinctness(left, right, true)?,
            Expr::IsNotDistinctFrom(left, right) => self.distinctness(left, right, false)?,
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } => self.between(expr, low, high, *negated)?,
            Expr::InList {
                expr,
                list,
                negated,
            } => self.in_list(expr, list, *negated)?,
            Expr::InSubquery {
                expr,
                subquery,
                negated,
            } => self.in_subquery(expr, subquery, *negated)?,
            Expr::AnyOp {
                left,
                compare_op,
                right,
                ..
            } => self.quantified(left, compare_op, right, |comparison| comparison.any)?,
            Expr::AllOp {
                left,
                compare_op,
                right,
            } => self.quantified(left, compare_op, right, |comparison| comparison.all)?,
            Expr::Like {
                negated,
                any,
                expr: subject,
                pattern,
                escape_char,
            }
            | Expr::ILike {
                negated,
                any,
                expr: subject,
                pattern,
                escape_char,
            } => {
                let like = if matches!(expr, Expr::Like { .. }) {
                    either(*negated, "{0} not like {1}{2}", "{0} like {1}{2}")
                } else {
                    either(*negated, "{0} not ilike {1}{2}", "{0} ilike {1}{2}")
                };
                self.like(
                    (subject, pattern, escape_char.as_deref()),
                    *any,
                    *negated,
                    like,
                )?
            }
            Expr::RLike {
                negated,
                expr,
                pattern,
                ..
            } => {
                let matches = [self.expr(expr)?, self.expr(pattern)?];
                let matches = Sql::call("regexp_full_match", &matches);
                Sql::of(either(*negated, "(not {0})", "{0}"), &[matches])
            }
            _ => return Ok(None),
        }))
    }

    fn in_subquery(&mut self, subject: &Expr, query: &Query, is_negated: bool) -> Result<Sql> {
        let template = either(is_negated, "({0} not in ({1}))", "({0} in ({1}))");
        let subject = self.expr(subject)?.grouped();
        Ok(Sql::of(template, &[subject, self.query(query)?]))
    }

    fn distinctness(&mut self, left: &Expr, right: &Expr, is_distinct: bool) -> Result<Sql> {
        let (left, right) = (self.expr(left)?.grouped(), self.expr(right)?.grouped());
        let template = match (right.as_literal(), is_distinct) {
            (Some(_), true) => "({0} is distinct from sf_beside({0}, {1}))",
            (Some(_), false) => "({0} is not distinct from sf_beside({0}, {1}))",
            (None, true) => "({0} is distinct from {1})",
            (None, false) => "({0} is not distinct from {1})",
        };
        Ok(Sql::of(template, &[left, right]))
    }

    fn between(&mut self, expr: &Expr, low: &Expr, high: &Expr, negated: bool) -> Result<Sql> {
        let subject = self.expr(expr)?.grouped();
        let (low, high) = (self.expr(low)?.grouped(), self.expr(high)?.grouped());
        let has_text = low.as_literal().is_some() || high.as_literal().is_some();
        let template = match (has_text, negated) {
            (true, true) => "({0} not between sf_beside({0}, {1}) and sf_beside({0}, {2}))",
            (true, false) => "({0} between sf_beside({0}, {1}) and sf_beside({0}, {2}))",
            (false, true) => "({0} not between {1} and {2})",
            (false, false) => "({0} between {1} and {2})",
        };
        Ok(Sql::of(template, &[subject, low, high]))
    }

    fn in_list(&mut self, expr: &Expr, list: &[Expr], negated: bool) -> Result<Sql> {
        /// Longer lists are of constants that need no thought about their time zone.
        const BESIDE: usize = 1000;
        check_list(list.len())?;
        let subject = self.expr(expr)?.grouped();
        let mut items = Vec::with_capacity(list.len());
        for item in list {
            items.push(self.expr(item)?);
        }
        let template = either(negated, "({0} not in ({1}))", "({0} in ({1}))");
        let has_text = items.iter().any(|item| item.as_literal().is_some());
        if !has_text || items.len() > BESIDE {
            return Ok(Sql::of(template, &[subject, Sql::list(items)]));
        }
        let times = items.len() as u64 + 1;
        let is_subject = |at| if at == 0 { times } else { 1 };
        let mut all = vec![subject];
        all.extend(items);
        Ok(Sql::over(&all, is_subject, |all| {
            let beside =
                |item: &Sql| Sql::of("sf_beside({0}, {1})", &[all[0].clone(), item.clone()]);
            let items = Sql::list(all[1..].iter().map(beside));
            Sql::of(template, &[all[0].clone(), items])
        }))
    }

    /// `subject LIKE pattern`, and `subject LIKE ANY (pattern, …)`.
    fn like(
        &mut self,
        (subject, pattern, escape): (&Expr, &Expr, Option<&Expr>),
        any: bool,
        negated: bool,
        template: &'static str,
    ) -> Result<Sql> {
        let patterns = match pattern {
            _ if !any => std::slice::from_ref(pattern),
            Expr::Tuple(patterns) => patterns.as_slice(),
            Expr::Nested(pattern) => std::slice::from_ref(&**pattern),
            other => return Err(SnowflakeError::unsupported(format!("LIKE ANY {other}"))),
        };
        if any && escape.is_some() {
            return Err(SnowflakeError::unsupported("LIKE ANY … ESCAPE"));
        }
        check_list(patterns.len())?;
        let escape = match escape {
            Some(escape) => Sql::of(" escape {0}", &[self.expr(escape)?]),
            None => Sql::default(),
        };
        let mut all = vec![self.expr(subject)?.grouped()];
        for pattern in patterns {
            all.push(self.expr(pattern)?.grouped());
        }
        if !any {
            all.push(escape);
            return Ok(Sql::of("({0})", &[Sql::of(template, &all)]));
        }
        let times = patterns.len() as u64;
        let uses = |at| if at == 0 { times } else { 1 };
        Ok(Sql::over(&all, uses, |all| {
            let one = |pattern: &Sql| {
                let args = [all[0].clone(), pattern.clone(), Sql::default()];
                Sql::of("({0})", &[Sql::of(template, &args)])
            };
            // None of them, or one of them.
            let between = either(negated, " and ", " or ");
            Sql::of("({0})", &[Sql::join(all[1..].iter().map(one), between)])
        }))
    }

    /// `left = ANY (query)`
    fn quantified(
        &mut self,
        left: &Expr,
        operator: &BinaryOperator,
        right: &Expr,
        template: impl Fn(&Comparison) -> &'static str,
    ) -> Result<Sql> {
        let Expr::Subquery(query) = right else {
            return Err(SnowflakeError::unsupported(
                "ANY or ALL of anything but a query",
            ));
        };
        let comparison =
            comparison_of(operator).ok_or_else(|| SnowflakeError::unsupported(operator))?;
        let left = self.expr(left)?.grouped();
        let query = self.query(query)?;
        Ok(Sql::of(template(&comparison), &[left, query]))
    }
}
