//! Whether an expression is a text whatever its operands are, so that joining it to others needs no conversion, which is costly to plan.

use sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Value,
};

/// Functions whose result is a text, also of a BINARY.
const TEXTS: [&str; 19] = [
    "BASE64_ENCODE",
    "CHR",
    "CURRENT_ROLE",
    "CURRENT_USER",
    "HEX_ENCODE",
    "INITCAP",
    "LOWER",
    "LTRIM",
    "MD5",
    "REGEXP_REPLACE",
    "REPLACE",
    "RTRIM",
    "SHA2",
    "SPLIT_PART",
    "TO_CHAR",
    "TO_VARCHAR",
    "TRANSLATE",
    "TRIM",
    "UPPER",
];

/// Functions that return one of their arguments.
const CHOICES: [&str; 3] = ["COALESCE", "IFNULL", "NVL"];

pub(super) fn is_textual(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_textual(inner),
        Expr::Value(value) => matches!(value.value, Value::SingleQuotedString(_)),
        Expr::BinaryOp { op, .. } => *op == BinaryOperator::StringConcat,
        Expr::Trim { .. } => true,
        Expr::Cast { data_type, .. } => is_text_type(data_type),
        Expr::Function(function) => is_textual_call(function),
        _ => false,
    }
}

fn is_text_type(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Varchar(_)
            | DataType::Char(_)
            | DataType::Character(_)
            | DataType::Text
            | DataType::String(_)
    )
}

fn is_textual_call(function: &Function) -> bool {
    let name = function.name.to_string().to_uppercase();
    if TEXTS.contains(&name.as_str()) {
        return true;
    }
    let FunctionArguments::List(list) = &function.args else {
        return false;
    };
    let is_text = |arg: &FunctionArg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => is_textual(expr),
        _ => false,
    };
    CHOICES.contains(&name.as_str()) && list.args.iter().all(is_text)
}
