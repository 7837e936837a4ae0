//! What the SELECT of a COPY may say: columns of one stage, converted by some functions.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, GroupByExpr, Query, SetExpr, TableFactor, TableWithJoins, Visit, Visitor,
};
use sqlparser::dialect::SnowflakeDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Word};

use crate::engine::compile::stage_marker;
use crate::sql::tokens::lex;
use crate::types::error::{Result, SnowflakeError};

/// "Transforming data during a load", section "Supported functions"; those that are special forms of the grammar stand in [`Check`].
const FUNCTIONS: &[&str] = &[
    "ARRAY_CONSTRUCT",
    "ARRAY_SIZE",
    "ASCII",
    "CHAR",
    "CHECK_JSON",
    "CHECK_XML",
    "CHR",
    "CONCAT",
    "CONVERT_TIMEZONE",
    "DATE",
    "ENDSWITH",
    "EQUAL_NULL",
    "GET",
    "GET_PATH",
    "HEX_DECODE_STRING",
    "HEX_ENCODE",
    "IFF",
    "IFNULL",
    "IS_ARRAY",
    "IS_BOOLEAN",
    "IS_DECIMAL",
    "IS_INTEGER",
    "IS_NULL_VALUE",
    "IS_OBJECT",
    "IS_TIME",
    "IS_TIMESTAMP_LTZ",
    "IS_TIMESTAMP_NTZ",
    "IS_TIMESTAMP_TZ",
    "LEN",
    "LENGTH",
    "LPAD",
    "LTRIM",
    "MD5",
    "MD5_HEX",
    "NULLIF",
    "NVL",
    "NVL2",
    "OBJECT_CONSTRUCT",
    "PARSE_IP",
    "PARSE_JSON",
    "PARSE_URL",
    "PARSE_XML",
    "RANDOM",
    "REGEXP_REPLACE",
    "REGEXP_SUBSTR",
    "REPLACE",
    "REVERSE",
    "RPAD",
    "RTRIM",
    "SPLIT",
    "SPLIT_PART",
    "STARTSWITH",
    "SUBSTR",
    "SUBSTRING",
    "TIME",
    "TO_ARRAY",
    "TO_BINARY",
    "TO_BOOLEAN",
    "TO_CHAR",
    "TO_DATE",
    "TO_DECFLOAT",
    "TO_DECIMAL",
    "TO_DOUBLE",
    "TO_NUMBER",
    "TO_NUMERIC",
    "TO_OBJECT",
    "TO_TIME",
    "TO_TIMESTAMP",
    "TO_TIMESTAMP_LTZ",
    "TO_TIMESTAMP_NTZ",
    "TO_TIMESTAMP_TZ",
    "TO_VARCHAR",
    "TO_VARIANT",
    "TRIM",
    "TRY_CAST",
    "TRY_HEX_DECODE_STRING",
    "TRY_TO_BINARY",
    "TRY_TO_BOOLEAN",
    "TRY_TO_DATE",
    "TRY_TO_DECFLOAT",
    "TRY_TO_DECIMAL",
    "TRY_TO_DOUBLE",
    "TRY_TO_NUMBER",
    "TRY_TO_NUMERIC",
    "TRY_TO_TIME",
    "UNICODE",
    "UUID_STRING",
    "XMLGET",
];

/// Fails unless the text is a SELECT that COPY can run while it loads.
///
/// # Errors
/// Names the function that is none of those, or says that the query is not simple.
pub(super) fn check(text: &str) -> Result<()> {
    let mut parser = Parser::new(&SnowflakeDialect {}).with_tokens_with_locations(tokens(text)?);
    // What does not parse is reported where it is compiled.
    let Ok(query) = parser.parse_query() else {
        return Ok(());
    };
    if !is_simple(&query) {
        return Err(not_simple());
    }
    match query.visit(&mut Check { queries: 0 }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

fn not_simple() -> SnowflakeError {
    SnowflakeError::compilation(
        "COPY statement only supports simple SELECT from stage statements for import.",
    )
}

/// The tokens, with quoted names for stages and for columns of files.
fn tokens(text: &str) -> Result<Vec<TokenWithSpan>> {
    let lexemes = lex(text)?;
    let name = |value: String| {
        Token::Word(Word {
            value,
            quote_style: Some('"'),
            keyword: sqlparser::keywords::Keyword::NoKeyword,
        })
    };
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(lexeme) = lexemes.get(at) {
        let (token, used) = match &lexeme.token {
            Token::AtSign => {
                let (marker, used) = stage_marker(text, &lexemes[at..]);
                (name(marker), used)
            }
            Token::Placeholder(column) => (name(column.clone()), 1),
            token => (token.clone(), 1),
        };
        at += used;
        found.push(TokenWithSpan {
            token,
            span: Span::empty(),
        });
    }
    Ok(found)
}

/// Neither WHERE nor JOIN nor GROUP BY nor ORDER BY nor LIMIT, and nothing of the kind.
fn is_simple(query: &Query) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return false;
    };
    let is_whole = query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none();
    let is_plain = select.top.is_none()
        && select.selection.is_none()
        && select.having.is_none()
        && select.qualify.is_none()
        && matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
    let is_stage = |from: &TableWithJoins| {
        from.joins.is_empty() && matches!(&from.relation, TableFactor::Table { args: None, .. })
    };
    is_whole && is_plain && matches!(select.from.as_slice(), [from] if is_stage(from))
}

/// Looks for what a column may not be.
struct Check {
    queries: usize,
}

impl Visitor for Check {
    type Break = SnowflakeError;

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<SnowflakeError> {
        self.queries += 1;
        match self.queries {
            1 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(not_simple()),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<SnowflakeError> {
        let refused = match expr {
            Expr::Function(call) if call.over.is_some() => return ControlFlow::Break(not_simple()),
            Expr::Function(call) => {
                let name = call.name.to_string().to_uppercase();
                (!FUNCTIONS.contains(&name.as_str())).then_some(name)
            }
            Expr::Extract { .. } => Some("EXTRACT".to_owned()),
            Expr::Position { .. } => Some("POSITION".to_owned()),
            Expr::Overlay { .. } => Some("OVERLAY".to_owned()),
            _ => None,
        };
        match refused {
            None => ControlFlow::Continue(()),
            Some(name) => ControlFlow::Break(SnowflakeError::compilation(format!(
                "Function '{name}' not supported within a COPY."
            ))),
        }
    }
}
