//! The condition of a task: Snowflake evaluates it without a warehouse, so little is possible in it.

use sqlparser::ast::{BinaryOperator, DataType, Expr, UnaryOperator, Value, ValueWithSpan};
use sqlparser::dialect::SnowflakeDialect;
use sqlparser::parser::Parser;

use crate::types::error::{Result, SnowflakeError};

/// Functions that a condition may call.
const FUNCTIONS: [&str; 2] = [
    "SYSTEM$STREAM_HAS_DATA",
    "SYSTEM$GET_PREDECESSOR_RETURN_VALUE",
];

/// Fails unless the text is a condition that a task may have: these functions, boolean operators, comparisons, and casts between numbers, text and booleans.
///
/// # Errors
/// Names what is not possible.
pub(super) fn check(text: &str) -> Result<()> {
    let parser = Parser::new(&SnowflakeDialect {}).try_with_sql(text);
    let expression = parser.and_then(|mut parser| parser.parse_expr());
    let expression = expression.map_err(|error| invalid(&error))?;
    expect(&expression)
}

fn invalid(found: &dyn std::fmt::Display) -> SnowflakeError {
    SnowflakeError::compilation(format!(
        "Invalid expression for task condition expression: {found}. It may call {}, compare, cast, and use AND, OR and NOT",
        FUNCTIONS.join(" and ")
    ))
}

fn expect(expression: &Expr) -> Result<()> {
    use BinaryOperator as B;
    match expression {
        Expr::Nested(inner) => expect(inner),
        Expr::UnaryOp {
            op: UnaryOperator::Not | UnaryOperator::Minus,
            expr,
        } => expect(expr),
        Expr::BinaryOp {
            left,
            op: B::And | B::Or | B::Eq | B::NotEq | B::Lt | B::LtEq | B::Gt | B::GtEq,
            right,
        } => {
            expect(left)?;
            expect(right)
        }
        Expr::Cast {
            expr, data_type, ..
        } if is_plain(data_type) => expect(expr),
        Expr::Value(ValueWithSpan {
            value: Value::Number(..) | Value::SingleQuotedString(_) | Value::Boolean(_),
            ..
        }) => Ok(()),
        Expr::Function(call) => {
            let name = call.name.to_string().to_uppercase();
            match FUNCTIONS.contains(&name.as_str()) {
                true => Ok(()),
                false => Err(invalid(&name)),
            }
        }
        other => Err(invalid(other)),
    }
}

/// Whether it is a number, a text or a boolean.
fn is_plain(kind: &DataType) -> bool {
    const OTHERS: [&str; 9] = [
        "DATE", "TIME", "VARIANT", "OBJECT", "ARRAY", "MAP", "BINARY", "VECTOR", "GEO",
    ];
    let name = kind.to_string().to_uppercase();
    !OTHERS.iter().any(|other| name.starts_with(other))
}
