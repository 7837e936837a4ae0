//! The SQL and the expressions of a block, parsed: a block that does not parse cannot be made, as on Snowflake.

use sqlparser::dialect::SnowflakeDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Span, Token, TokenWithSpan};

use super::{Action, Block, Declaration, Step};
use crate::sql::lexeme::Lexeme;
use crate::sql::tokens::lex;
use crate::types::error::{Result, SnowflakeError};

/// What a SQL statement begins with.
const STATEMENTS: &[&str] = &[
    "ALTER", "BEGIN", "CALL", "COMMENT", "COMMIT", "COPY", "CREATE", "DELETE", "DESC", "DESCRIBE",
    "DROP", "EXECUTE", "EXPLAIN", "GET", "GRANT", "INSERT", "LIST", "LS", "MERGE", "PUT", "REMOVE",
    "REVOKE", "RM", "ROLLBACK", "SELECT", "SET", "SHOW", "START", "TRUNCATE", "UNDROP", "UNSET",
    "UPDATE", "USE", "VALUES", "WITH",
];

/// Those that the parser of queries knows.
const PARSED: &[&str] = &[
    "SELECT", "WITH", "VALUES", "INSERT", "UPDATE", "DELETE", "MERGE",
];

/// Fails on what does not parse in the block.
///
/// # Errors
/// A syntax error at the statement.
pub fn check(block: &Block) -> Result<()> {
    for one in &block.declarations {
        declaration(one, (1, 0))?;
    }
    steps(&block.body)?;
    block.handlers.iter().try_for_each(|h| steps(&h.body))
}

fn steps(body: &[Step]) -> Result<()> {
    body.iter().try_for_each(step)
}

fn step(step: &Step) -> Result<()> {
    let at = (step.line, step.position);
    match &step.action {
        Action::Declare(one) => declaration(one, at),
        Action::Assign { value, .. } => value_of(value, at),
        Action::If {
            branches,
            otherwise,
        } => {
            self::branches(branches, at)?;
            steps(otherwise)
        }
        Action::Case {
            operand,
            branches,
            otherwise,
        } => {
            operand.iter().try_for_each(|text| expression(text, at))?;
            self::branches(branches, at)?;
            otherwise.iter().try_for_each(|body| steps(body))
        }
        Action::ForRange { from, to, body, .. } => {
            expression(from, at)?;
            expression(to, at)?;
            steps(body)
        }
        Action::While {
            condition, body, ..
        }
        | Action::Repeat {
            until: condition,
            body,
            ..
        } => {
            expression(condition, at)?;
            steps(body)
        }
        Action::ForCursor { body, .. } | Action::Loop { body, .. } => steps(body),
        Action::Return(Some(value)) => expression(value, at),
        Action::Block(block) => check(block),
        Action::Open { using, .. } => using.iter().try_for_each(|text| expression(text, at)),
        Action::Sql { text, .. } => statement(text, at),
        Action::Break(_)
        | Action::Continue(_)
        | Action::Return(None)
        | Action::ReturnTable(_)
        | Action::Raise(_)
        | Action::Fetch { .. }
        | Action::Close(_)
        | Action::Nothing => Ok(()),
    }
}

fn branches(branches: &[(String, Vec<Step>)], at: (u64, u64)) -> Result<()> {
    for (condition, body) in branches {
        expression(condition, at)?;
        steps(body)?;
    }
    Ok(())
}

fn declaration(declaration: &Declaration, at: (u64, u64)) -> Result<()> {
    match declaration {
        Declaration::Variable {
            value: Some(value), ..
        } => expression(value, at),
        Declaration::ResultSet {
            query: Some(query), ..
        } => statement(query, at),
        _ => Ok(()),
    }
}

/// What is assigned: an expression, or for a result set a statement in parentheses.
fn value_of(text: &str, at: (u64, u64)) -> Result<()> {
    let inner = text
        .trim()
        .strip_prefix('(')
        .and_then(|t| t.strip_suffix(')'));
    match inner.filter(|inner| begins_with(inner, STATEMENTS)) {
        Some(inner) => statement(inner, at),
        None => expression(text, at),
    }
}

fn begins_with(text: &str, words: &[&str]) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    words.iter().any(|word| first.eq_ignore_ascii_case(word))
}

fn expression(text: &str, at: (u64, u64)) -> Result<()> {
    parsed(&lex(text)?, at, |parser| parser.parse_expr().map(drop))
}

fn statement(text: &str, at: (u64, u64)) -> Result<()> {
    let lexemes = lex(text)?;
    let Some(first) = lexemes.first().and_then(Lexeme::word) else {
        return Ok(());
    };
    if !STATEMENTS.contains(&first.as_str()) {
        return Err(unexpected(at, &first.to_lowercase()));
    }
    // Files, names that are made when it runs, and forms of Snowflake's own are read by other parsers.
    let is_for_others = lexemes.iter().enumerate().any(|(n, l)| {
        l.token == Token::AtSign
            || l.is_word("IDENTIFIER")
            || l.is_word("PROCEDURE")
            || (l.is_word("ALL") && lexemes.get(n + 1).is_some_and(|next| next.is_word("BY")))
    });
    match PARSED.contains(&first.as_str()) && !is_for_others {
        true => parsed(&lexemes, at, |parser| parser.parse_statement().map(drop)),
        false => Ok(()),
    }
}

fn parsed(
    lexemes: &[Lexeme],
    at: (u64, u64),
    parse: impl FnOnce(&mut Parser<'_>) -> std::result::Result<(), ParserError>,
) -> Result<()> {
    let tokens = lexemes.iter().map(|lexeme| TokenWithSpan {
        token: lexeme.token.clone(),
        span: Span::empty(),
    });
    let mut parser = Parser::new(&SnowflakeDialect {}).with_tokens_with_locations(tokens.collect());
    let outcome = parse(&mut parser);
    let next = parser.peek_token().token;
    match outcome {
        Ok(()) if next == Token::EOF => Ok(()),
        _ if next == Token::EOF => Err(unexpected(at, "<EOF>")),
        _ => Err(unexpected(at, &next.to_string())),
    }
}

fn unexpected((line, position): (u64, u64), what: &str) -> SnowflakeError {
    SnowflakeError::syntax(line, position, what)
}
