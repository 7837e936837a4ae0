//! Expressions. What is not named here is refused: nothing reaches DuckDB because nobody thought of it.

use sqlparser::ast::{CaseWhen, CastKind, DataType, Expr, Ident, Interval, UnaryOperator, Value};

use super::{Compiler, folded};
use crate::engine::catalog::Kind;
use crate::sql::cursor::Name;
use crate::sql::fragment::Sql;
use crate::sql::types;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::SnowflakeType;

impl Compiler<'_> {
    /// The expression in DuckDB's terms.
    pub(super) fn expr(&mut self, expr: &Expr) -> Result<Sql> {
        self.enter()?;
        let written = self.any_expr(expr);
        self.leave();
        written
    }

    fn any_expr(&mut self, expr: &Expr) -> Result<Sql> {
        match expr {
            Expr::Identifier(ident) => Ok(self.column(ident)),
            Expr::CompoundIdentifier(parts) => self.compound(parts),
            Expr::Value(value) => literal(&value.value),
            Expr::Nested(inner) => Ok(self.expr(inner)?.grouped()),
            Expr::BinaryOp { .. } => self.binary(expr),
            Expr::UnaryOp { op, expr } => self.unary(*op, expr),
            Expr::Function(function) => self.function(function),
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => self.case(operand.as_deref(), conditions, else_result.as_deref()),
            Expr::Cast {
                kind,
                expr,
                data_type,
                format,
            } => {
                if format.is_some() {
                    return Err(SnowflakeError::unsupported("CAST … FORMAT"));
                }
                let is_try = matches!(kind, CastKind::TryCast | CastKind::SafeCast);
                let kind = type_of(data_type)?;
                Ok(types::cast(&self.expr(expr)?, &kind, is_try))
            }
            Expr::TypedString(typed) => {
                let kind = type_of(&typed.data_type)?;
                Ok(types::cast(&literal(&typed.value.value)?, &kind, false))
            }
            Expr::Subquery(query) => Ok(Sql::of("({0})", &[self.query(query)?])),
            Expr::Exists { subquery, negated } => {
                let template = either(*negated, "not exists ({0})", "exists ({0})");
                Ok(Sql::of(template, &[self.query(subquery)?]))
            }
            Expr::Interval(interval) => interval_literal(interval),
            _ => match self.predicate(expr)? {
                Some(predicate) => Ok(predicate),
                None => self.special_form(expr),
            },
        }
    }

    fn column(&self, ident: &Ident) -> Sql {
        let place = ident.value.strip_prefix('$').map(str::parse::<u16>);
        match place {
            Some(Ok(place)) if self.by_position && place > 0 => Sql::written(format!("#{place}")),
            _ => Sql::name(&folded(ident)),
        }
    }

    fn compound(&mut self, parts: &[Ident]) -> Result<Sql> {
        let values: Vec<String> = parts.iter().map(folded).collect();
        if let Some((last, name)) = values.split_last()
            && last == "NEXTVAL"
        {
            let sequence = self.context.find(Kind::Sequence, &Name(name.to_vec()))?;
            self.context.require(&sequence, "USAGE")?;
            let name = Sql::literal(&format!("\"S{}\"", sequence.id));
            return Ok(Sql::of("nextval({0})", &[name]));
        }
        // `database.schema.table.column`: relations are known by their last name.
        let from = values.len().saturating_sub(2);
        Ok(Sql::path(values[from..].iter().map(String::as_str)))
    }

    fn unary(&mut self, operator: UnaryOperator, expr: &Expr) -> Result<Sql> {
        let template = match operator {
            UnaryOperator::Not => "(not {0})",
            UnaryOperator::Minus => "(- {0})",
            UnaryOperator::Plus => "(+ {0})",
            other => return Err(SnowflakeError::unsupported(format!("operator {other}"))),
        };
        Ok(Sql::of(template, &[self.expr(expr)?.grouped()]))
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        conditions: &[CaseWhen],
        otherwise: Option<&Expr>,
    ) -> Result<Sql> {
        let mut parts = vec![match operand {
            Some(operand) => Sql::of("case {0}", &[self.expr(operand)?]),
            None => Sql::known("case"),
        }];
        for branch in conditions {
            let (condition, result) = (self.expr(&branch.condition)?, self.expr(&branch.result)?);
            parts.push(Sql::of("when {0} then {1}", &[condition, result]));
        }
        if let Some(otherwise) = otherwise {
            parts.push(Sql::of("else {0}", &[self.expr(otherwise)?]));
        }
        parts.push(Sql::known("end"));
        Ok(Sql::join(parts, " "))
    }
}

pub(super) fn either(condition: bool, then: &'static str, otherwise: &'static str) -> &'static str {
    match condition {
        true => then,
        false => otherwise,
    }
}

fn type_of(data_type: &DataType) -> Result<SnowflakeType> {
    types::parse_text(&data_type.to_string().replace('"', ""))
}

pub(super) fn literal(value: &Value) -> Result<Sql> {
    match value {
        Value::SingleQuotedString(text) => Ok(Sql::literal(text)),
        Value::DollarQuotedString(text) => Ok(Sql::literal(&text.value)),
        Value::Number(digits, _) => {
            Sql::number(digits).ok_or_else(|| SnowflakeError::unsupported(value))
        }
        Value::Boolean(true) => Ok(Sql::known("true")),
        Value::Boolean(false) => Ok(Sql::known("false")),
        Value::Null => Ok(Sql::known("null")),
        Value::Placeholder(text) => Err(SnowflakeError::invalid_identifier(text)),
        other => Err(SnowflakeError::unsupported(format!("literal {other}"))),
    }
}

/// `INTERVAL '1 day'`: a span that is added to a moment.
fn interval_literal(interval: &Interval) -> Result<Sql> {
    let value = match &*interval.value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::Number(text, _) => text,
            other => return Err(SnowflakeError::unsupported(format!("INTERVAL {other}"))),
        },
        other => return Err(SnowflakeError::unsupported(format!("INTERVAL {other}"))),
    };
    let text = match &interval.leading_field {
        Some(field) => format!("{value} {field}"),
        None => value.clone(),
    };
    if text.contains(',') {
        return Err(SnowflakeError::unsupported("INTERVAL with several parts"));
    }
    Ok(Sql::of("interval {0}", &[Sql::literal(&text)]))
}
