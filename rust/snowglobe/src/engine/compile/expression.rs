//! Expressions: functions, casts, paths into variants, and the functions that ask who and when.

use sqlparser::ast::{
    AccessExpr, BinaryOperator, CastKind, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArguments, Ident, JsonPathElem, ObjectName, ObjectNamePart,
    Subscript, ValueWithSpan,
};

use super::super::timetravel;
use super::{Compiler, raw, raw_expr};
use crate::engine::catalog::Kind;
use crate::engine::error::{Result, SnowflakeError};
use crate::engine::system;
use crate::sql::cursor::{Name, literal};
use crate::sql::functions::{self, Rendering};
use crate::sql::types;

/// Table functions: inside `TABLE(…)` they are relations.
const TABLE_FUNCTIONS: &[&str] = &[
    "FLATTEN",
    "GENERATOR",
    "RESULT_SCAN",
    "SPLIT_TO_TABLE",
    "TASK_HISTORY",
    "COPY_HISTORY",
    "PIPE_USAGE_HISTORY",
    "TASK_DEPENDENTS",
    "QUERY_HISTORY",
    "QUERY_HISTORY_BY_SESSION",
    "WAREHOUSE_METERING_HISTORY",
    "VALIDATE_PIPE_LOAD",
    "VALIDATE",
    "AUTO_REFRESH_REGISTRATION_HISTORY",
    "COMPLETE_TASK_GRAPHS",
    "CURRENT_TASK_GRAPHS",
];

impl Compiler<'_> {
    /// The expression in DuckDB's terms, if it needs another form than it has. Its parts are rendered already.
    pub(super) fn expr(&mut self, expr: &Expr) -> Result<Option<Expr>> {
        Ok(match expr {
            // `FROM t AT(…)`: its table resolves it, with what is in it compiled.
            Expr::Function(function) if timetravel::is_clause(function) => None,
            Expr::Function(function) => Some(self.function(function)?),
            Expr::CompoundIdentifier(parts) => self.compound(parts)?,
            Expr::Cast {
                kind,
                expr: inner,
                data_type,
                format,
            } => {
                if format.is_some() {
                    return Err(SnowflakeError::unsupported("CAST … FORMAT"));
                }
                let is_try = matches!(kind, CastKind::TryCast | CastKind::SafeCast);
                let kind = types::parse_text(&data_type.to_string().replace('"', ""))?;
                Some(raw_expr(types::cast(&inner.to_string(), &kind, is_try)))
            }
            Expr::TypedString(typed) => {
                let kind = types::parse_text(&typed.data_type.to_string().replace('"', ""))?;
                Some(raw_expr(types::cast(
                    &typed.value.to_string(),
                    &kind,
                    false,
                )))
            }
            Expr::JsonAccess { value, path } => {
                let mut text = value.to_string();
                for element in &path.path {
                    text = match element {
                        JsonPathElem::Dot { key, .. } => {
                            format!("json_extract({text}, {})", literal(&format!("$.\"{key}\"")))
                        }
                        JsonPathElem::Bracket { key } => format!("sf_get({text}, {key})"),
                        other => {
                            return Err(SnowflakeError::unsupported(format!("path {other:?}")));
                        }
                    };
                }
                Some(raw_expr(text))
            }
            Expr::CompoundFieldAccess { root, access_chain } => {
                Some(raw_expr(access(root, access_chain)?))
            }
            Expr::BinaryOp {
                left,
                op: BinaryOperator::Divide,
                right,
            } => Some(raw_expr(format!("sf_divide({left}, {right})"))),
            Expr::BinaryOp { left, op, right } => moments(left, op, right),
            Expr::IsDistinctFrom(left, right) if is_text(right) => Some(raw_expr(format!(
                "({left} is distinct from sf_beside({left}, {right}))"
            ))),
            Expr::IsNotDistinctFrom(left, right) if is_text(right) => Some(raw_expr(format!(
                "({left} is not distinct from sf_beside({left}, {right}))"
            ))),
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } if is_text(low) || is_text(high) => {
                let not = if *negated { "not " } else { "" };
                Some(raw_expr(format!(
                    "({expr} {not}between sf_beside({expr}, {low}) and sf_beside({expr}, {high}))"
                )))
            }
            Expr::InList {
                expr,
                list,
                negated,
            } if list.iter().any(is_text) => {
                let not = if *negated { "not " } else { "" };
                let items: Vec<String> = list
                    .iter()
                    .map(|item| format!("sf_beside({expr}, {item})"))
                    .collect();
                Some(raw_expr(format!("({expr} {not}in ({}))", items.join(", "))))
            }
            Expr::Extract {
                field, expr: inner, ..
            } => Some(raw_expr(functions::date_part(
                &field.to_string(),
                &inner.to_string(),
            )?)),
            Expr::RLike {
                negated,
                expr,
                pattern,
                ..
            } => Some(raw_expr(format!(
                "{}regexp_full_match({expr}, {pattern})",
                if *negated { "not " } else { "" }
            ))),
            Expr::Substring {
                expr,
                substring_from: Some(from),
                substring_for,
                ..
            } => {
                let length = substring_for
                    .as_ref()
                    .map_or(String::new(), |length| format!(", {length}"));
                // Snowflake takes a start of 0 for 1.
                Some(raw_expr(format!(
                    "substr({expr}, case when ({from}) = 0 then 1 else ({from}) end{length})"
                )))
            }
            Expr::Like {
                any: true,
                negated,
                expr,
                pattern,
                escape_char: None,
            } => Some(like_any(expr, pattern, "like", *negated)?),
            Expr::ILike {
                any: true,
                negated,
                expr,
                pattern,
                escape_char: None,
            } => Some(like_any(expr, pattern, "ilike", *negated)?),
            Expr::Like { any: true, .. } | Expr::ILike { any: true, .. } => {
                return Err(SnowflakeError::unsupported("LIKE ANY … ESCAPE"));
            }
            Expr::Interval(interval) => Some(raw_expr(interval_text(interval)?)),
            Expr::Value(ValueWithSpan {
                value: sqlparser::ast::Value::Placeholder(text),
                ..
            }) => {
                return Err(SnowflakeError::invalid_identifier(text));
            }
            _ => None,
        })
    }

    fn compound(&mut self, parts: &[Ident]) -> Result<Option<Expr>> {
        let values: Vec<String> = parts.iter().map(|p| p.value.clone()).collect();
        if let Some((last, name)) = values.split_last()
            && last == "NEXTVAL"
        {
            let sequence = self.context.find(Kind::Sequence, &Name(name.to_vec()))?;
            self.context.require(&sequence, "USAGE")?;
            return Ok(Some(raw_expr(format!("nextval('\"S{}\"')", sequence.id))));
        }
        // `database.schema.table.column`: relations are known by their last name.
        if parts.len() > 2 {
            return Ok(Some(Expr::CompoundIdentifier(
                parts[parts.len() - 2..].to_vec(),
            )));
        }
        Ok(None)
    }

    fn function(&mut self, function: &Function) -> Result<Expr> {
        let Some(ObjectNamePart::Identifier(ident)) = function.name.0.last() else {
            return Err(SnowflakeError::unsupported(&function.name));
        };
        let name = ident.value.to_uppercase();
        if TABLE_FUNCTIONS.contains(&name.as_str()) {
            return Ok(raw_expr(self.called(function)?));
        }
        if function.name.0.len() > 1 {
            return Err(SnowflakeError::new(
                "002140",
                "42601",
                format!(
                    "SQL compilation error:\nUnknown user-defined function {}",
                    function.name
                ),
            ));
        }
        let args = arguments(function);
        if let Some(text) = system::function(self.context, &name, &args)? {
            return Ok(raw_expr(text));
        }
        if name == "LISTAGG" || name == "ARRAY_AGG" {
            return aggregate_list(&name, function, &args);
        }
        if matches!(name.as_str(), "SEQ1" | "SEQ2" | "SEQ4" | "SEQ8") {
            return Ok(raw_expr("(row_number() over () - 1)"));
        }
        let plain = function.over.is_none()
            && function.filter.is_none()
            && function.within_group.is_empty()
            && !has_clauses(function);
        match functions::render(&name, &args)? {
            Rendering::Text(text) if plain => Ok(raw_expr(text)),
            Rendering::Text(_) => Err(SnowflakeError::unsupported(format!(
                "{name} with DISTINCT, OVER, FILTER or WITHIN GROUP"
            ))),
            Rendering::Rename(new) => Ok(renamed(function, new)),
            Rendering::Same => {
                let mut function = function.clone();
                for_each_argument(&mut function, |expr| match name.as_str() {
                    "SUM" | "AVG" | "MEDIAN" => format!("sf_summand({expr})"),
                    "CONCAT_WS" => format!("sf_member({expr})"),
                    _ => expr.to_string(),
                });
                Ok(renamed(&function, &name.to_lowercase()))
            }
        }
    }
}

/// Operators that mean something else for a `TIMESTAMP_TZ`, whose type only DuckDB knows here.
fn moments(left: &Expr, op: &BinaryOperator, right: &Expr) -> Option<Expr> {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, Minus, NotEq, Plus, StringConcat};
    let text = match op {
        StringConcat => format!("{} || {}", member(left), member(right)),
        Plus if is_interval(right) => format!("sf_shift({left}, {right})"),
        Plus if is_interval(left) => format!("sf_shift({right}, {left})"),
        Minus if is_interval(right) => format!("sf_shift({left}, -({right}))"),
        Eq | NotEq | Lt | LtEq | Gt | GtEq if is_text(right) || is_now(right) => {
            format!("{left} {op} sf_beside({left}, {right})")
        }
        Eq | NotEq | Lt | LtEq | Gt | GtEq if is_text(left) || is_now(left) => {
            format!("sf_beside({right}, {left}) {op} {right}")
        }
        _ => return None,
    };
    Some(raw_expr(format!("({text})")))
}

/// One side of a concatenation. A literal or a chain is text already; wrapped again, a long chain would double at each of its links, as the
/// macro names its argument more than once.
fn member(expr: &Expr) -> String {
    let is_chain = matches!(expr, Expr::Identifier(ident)
        if ident.quote_style.is_none() && ident.value.contains(" || ") && ident.value.starts_with('('));
    if is_chain || is_text(expr) {
        return expr.to_string();
    }
    format!("sf_member({expr})")
}

fn is_text(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Value(ValueWithSpan {
            value: sqlparser::ast::Value::SingleQuotedString(_),
            ..
        })
    )
}

/// Whether it is rendered already as an interval, or as the statement's time or a moment converted.
fn is_interval(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(ident) if ident.quote_style.is_none() && ident.value.starts_with("interval "))
}

fn is_now(expr: &Expr) -> bool {
    const MOMENTS: [&str; 4] = [
        "make_timestamptz(",
        "make_timestamp(",
        "sf_timestamp(",
        "sf_timestamp_ltz(",
    ];
    matches!(expr, Expr::Identifier(ident) if ident.quote_style.is_none() && MOMENTS.iter().any(|start| ident.value.starts_with(start)))
}

/// `subject LIKE ANY (pattern, …)`.
fn like_any(subject: &Expr, patterns: &Expr, like: &str, negated: bool) -> Result<Expr> {
    let patterns = match patterns {
        Expr::Tuple(patterns) => patterns.as_slice(),
        Expr::Nested(pattern) => std::slice::from_ref(&**pattern),
        other => return Err(SnowflakeError::unsupported(format!("LIKE ANY {other}"))),
    };
    let any: Vec<String> = patterns
        .iter()
        .map(|pattern| format!("({subject}) {like} ({pattern})"))
        .collect();
    let not = if negated { "not " } else { "" };
    Ok(raw_expr(format!("({not}({}))", any.join(" or "))))
}

fn renamed(function: &Function, name: &str) -> Expr {
    let mut function = function.clone();
    // DuckDB wants `IGNORE NULLS` inside the parentheses.
    if let Some(nulls) = function.null_treatment.take()
        && let FunctionArguments::List(list) = &mut function.args
    {
        list.clauses
            .push(FunctionArgumentClause::IgnoreOrRespectNulls(nulls));
    }
    function.name = ObjectName(vec![ObjectNamePart::Identifier(raw(name))]);
    Expr::Function(function)
}

fn for_each_argument(function: &mut Function, change: impl Fn(&Expr) -> String) {
    if let FunctionArguments::List(list) = &mut function.args {
        for argument in &mut list.args {
            if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument {
                *expr = raw_expr(change(expr));
            }
        }
    }
}

fn has_clauses(function: &Function) -> bool {
    match &function.args {
        FunctionArguments::List(list) => {
            list.duplicate_treatment.is_some() || !list.clauses.is_empty()
        }
        _ => false,
    }
}

fn arguments(function: &Function) -> Vec<String> {
    let FunctionArguments::List(list) = &function.args else {
        return Vec::new();
    };
    let text = |arg: &FunctionArg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => expr.to_string(),
        other => other.to_string(),
    };
    list.args.iter().map(text).collect()
}

fn aggregate_list(name: &str, function: &Function, args: &[String]) -> Result<Expr> {
    let distinct = match &function.args {
        FunctionArguments::List(list) => match (&list.duplicate_treatment, list.clauses.as_slice())
        {
            (_, [clause, ..]) if !matches!(clause, FunctionArgumentClause::OrderBy(_)) => {
                return Err(SnowflakeError::unsupported(format!("{name} with {clause}")));
            }
            (Some(sqlparser::ast::DuplicateTreatment::Distinct), _) => "distinct ",
            _ => "",
        },
        _ => "",
    };
    let order: Vec<String> = function
        .within_group
        .iter()
        .map(ToString::to_string)
        .collect();
    let order = if order.is_empty() {
        String::new()
    } else {
        format!(" order by {}", order.join(", "))
    };
    let over = function
        .over
        .as_ref()
        .map_or(String::new(), |over| format!(" over {over}"));
    let value = args.first().cloned().unwrap_or_default();
    Ok(raw_expr(if name == "LISTAGG" {
        let separator = args.get(1).cloned().unwrap_or_else(|| "''".to_owned());
        format!("coalesce(string_agg({distinct}sf_text({value}), {separator}{order}){over}, '')")
    } else {
        format!(
            "to_json(coalesce(list({distinct}sf_member({value}){order}) filter (where {value} is not null){over}, []))"
        )
    }))
}

fn access(root: &Expr, chain: &[AccessExpr]) -> Result<String> {
    let mut text = root.to_string();
    for step in chain {
        text = match step {
            AccessExpr::Subscript(Subscript::Index { index }) => format!("sf_get({text}, {index})"),
            AccessExpr::Dot(Expr::Identifier(ident)) => format!(
                "json_extract({text}, {})",
                literal(&format!("$.\"{}\"", ident.value))
            ),
            other @ (AccessExpr::Dot(_) | AccessExpr::Subscript(_)) => {
                return Err(SnowflakeError::unsupported(format!("path {other}")));
            }
        };
    }
    Ok(text)
}

fn interval_text(interval: &sqlparser::ast::Interval) -> Result<String> {
    let value = interval.value.to_string();
    let value = value.trim_matches('\'');
    let text = match &interval.leading_field {
        Some(field) => format!("{value} {field}"),
        None => value.to_owned(),
    };
    if text.contains(',') {
        return Err(SnowflakeError::unsupported("INTERVAL with several parts"));
    }
    Ok(format!("interval {}", literal(&text)))
}
