//! Operators. A chain such as `a + b + c` is a tree as deep as it is long: it is walked, not descended into.

use sqlparser::ast::{BinaryOperator, Expr};

use super::Compiler;
use super::textual::is_textual;
use crate::sql::fragment::Sql;
use crate::sql::functions;
use crate::types::error::{Result, SnowflakeError};

impl Compiler<'_> {
    pub(super) fn binary(&mut self, expr: &Expr) -> Result<Sql> {
        let (mut leftmost, mut rights) = (expr, Vec::new());
        while let Expr::BinaryOp { left, op, right } = leftmost {
            rights.push((op, &**right));
            leftmost = left;
        }
        let mut whole = self.expr(leftmost)?;
        let mut whole_is_text = is_textual(leftmost);
        let mut rights = rights.into_iter().rev().peekable();
        let mut before = None;
        while let Some((op, right)) = rights.next() {
            let right_is_text = is_textual(right);
            let right = self.expr(right)?;
            whole = if let Some(sign) = joiner(op) {
                // What goes on with the same operator is one list.
                let mut items = vec![
                    joined(whole, op, whole_is_text),
                    joined(right, op, right_is_text),
                ];
                while let Some((_, right)) = rights.next_if(|(next, _)| *next == op) {
                    let is_text = is_textual(right);
                    items.push(joined(self.expr(right)?, op, is_text));
                }
                match op {
                    BinaryOperator::StringConcat => Sql::join_flat(items, sign).into_chain(),
                    _ => Sql::join_flat(items, sign),
                }
            } else if let Some(sign) = continued(before, op, &whole, &right) {
                Sql::join([whole, right.grouped()], sign)
            } else {
                operation(whole, op, right)?
            };
            before = Some(op);
            whole_is_text = *op == BinaryOperator::StringConcat;
        }
        Ok(whole)
    }
}

/// `+` after `-` and the like: what stands before needs no parentheses.
fn continued(
    before: Option<&BinaryOperator>,
    operator: &BinaryOperator,
    left: &Sql,
    right: &Sql,
) -> Option<&'static str> {
    use BinaryOperator::{Minus, Multiply, Plus};
    let is_plain = !is_span(left) && !is_span(right);
    match (before?, operator) {
        (Plus | Minus, Plus) if is_plain => Some(" + "),
        (Plus | Minus, Minus) if is_plain => Some(" - "),
        (Multiply, Multiply) => Some(" * "),
        _ => None,
    }
}

/// The operators that may be grouped in any way.
fn joiner(operator: &BinaryOperator) -> Option<&'static str> {
    match operator {
        BinaryOperator::And => Some(" and "),
        BinaryOperator::Or => Some(" or "),
        BinaryOperator::StringConcat => Some(" || "),
        _ => None,
    }
}

/// One of the operands that an operator joins. What is not known to be a text may be a time or a float, which has a text of its own.
fn joined(operand: Sql, operator: &BinaryOperator, is_text: bool) -> Sql {
    match operator {
        BinaryOperator::StringConcat if !is_text && !operand.is_text() => {
            Sql::call("sf_text", &[operand])
        }
        _ => operand.grouped(),
    }
}

/// How a comparison is written. The sign is part of the templates: an argument may be moved elsewhere, which only a value survives.
pub(super) struct Comparison {
    pub(super) plain: &'static str,
    /// The right side adapts to the left.
    right_beside: &'static str,
    /// The left side adapts to the right.
    left_beside: &'static str,
    pub(super) any: &'static str,
    pub(super) all: &'static str,
}

macro_rules! comparison {
    ($sign:literal) => {
        Comparison {
            plain: concat!("({0} ", $sign, " {1})"),
            right_beside: concat!("({0} ", $sign, " sf_beside({0}, {1}))"),
            left_beside: concat!("(sf_beside({1}, {0}) ", $sign, " {1})"),
            any: concat!("({0} ", $sign, " any ({1}))"),
            all: concat!("({0} ", $sign, " all ({1}))"),
        }
    };
}

pub(super) fn comparison_of(operator: &BinaryOperator) -> Option<Comparison> {
    Some(match operator {
        BinaryOperator::Eq => comparison!("="),
        BinaryOperator::NotEq => comparison!("<>"),
        BinaryOperator::Lt => comparison!("<"),
        BinaryOperator::LtEq => comparison!("<="),
        BinaryOperator::Gt => comparison!(">"),
        BinaryOperator::GtEq => comparison!(">="),
        _ => return None,
    })
}

fn operation(left: Sql, operator: &BinaryOperator, right: Sql) -> Result<Sql> {
    use BinaryOperator::{Divide, Minus, Modulo, Multiply, Plus};
    if let Some(comparison) = comparison_of(operator) {
        return Ok(compared(left, &comparison, right));
    }
    let template = match operator {
        Divide => return Ok(functions::quotient(left, right)),
        Modulo => return Ok(Sql::of("sf_modulo({0}, {1})", &[left, right])),
        // Other operations on a moment, whose type only DuckDB knows here.
        Plus if is_span(&right) => "(sf_shift({0}, {1}))",
        Plus if is_span(&left) => "(sf_shift({1}, {0}))",
        Minus if is_span(&right) => "(sf_shift({0}, -({1})))",
        Plus => "{0} + {1}",
        Minus => "{0} - {1}",
        Multiply => "{0} * {1}",
        other => return Err(SnowflakeError::unsupported(format!("operator {other}"))),
    };
    Ok(Sql::of(template, &[left.grouped(), right.grouped()]))
}

/// What is compared with a text or with the time becomes a `TIMESTAMP_TZ` beside one, whose type only DuckDB knows here.
fn compared(left: Sql, comparison: &Comparison, right: Sql) -> Sql {
    let adapts = |side: &Sql| side.as_literal().is_some() || is_now(side);
    let template = match (adapts(&left), adapts(&right)) {
        (_, true) => comparison.right_beside,
        (true, false) => comparison.left_beside,
        (false, false) => comparison.plain,
    };
    Sql::of(template, &[left.grouped(), right.grouped()])
}

fn is_span(side: &Sql) -> bool {
    side.begins_with("interval ")
}

/// Whether it is the statement's time, or a moment converted.
fn is_now(side: &Sql) -> bool {
    const MOMENTS: [&str; 4] = [
        "make_timestamptz(",
        "make_timestamp(",
        "sf_timestamp(",
        "sf_timestamp_ltz(",
    ];
    MOMENTS.iter().any(|start| side.begins_with(start))
}
