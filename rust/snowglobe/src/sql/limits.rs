//! How deep and how long what one statement says may be. It is checked on the tokens, before anything that descends into them reads them.

use sqlparser::tokenizer::Token;

use super::lexeme::Lexeme;
use crate::types::error::{Result, SnowflakeError};

/// Parentheses, brackets and `CASE` in each other.
const MAX_NESTING: usize = 500;
/// Operators of one expression: a parser makes a tree of them that is as deep as they are many.
const MAX_OPERATORS: usize = 16_384;

const OPERATORS: &[&str] = &[
    "AND",
    "OR",
    "NOT",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "MINUS",
    "IS",
    "LIKE",
    "ILIKE",
    "BETWEEN",
    "IN",
    "COLLATE",
    "JOIN",
];

/// Words behind which another expression begins.
const STARTS: &[&str] = &["WHEN", "THEN", "ELSE", "BEGIN", "DO", "LOOP"];

/// Fails for a text beyond the limits.
pub(super) fn check(lexemes: &[Lexeme]) -> Result<()> {
    // The operators so far, by bracket.
    let mut open = vec![0_usize];
    for lexeme in lexemes {
        match &lexeme.token {
            Token::LParen | Token::LBracket | Token::LBrace => open.push(0),
            Token::RParen | Token::RBracket | Token::RBrace if open.len() > 1 => {
                open.pop();
            }
            Token::Comma | Token::SemiColon => restart(&mut open),
            Token::Word(_) if STARTS.iter().any(|word| lexeme.is_word(word)) => restart(&mut open),
            token if is_operator(token, lexeme) => {
                if let Some(operators) = open.last_mut() {
                    *operators += 1;
                }
            }
            _ => {}
        }
        if open.len() > MAX_NESTING {
            return Err(beyond(format!(
                "nested too deeply, in more than {MAX_NESTING} levels"
            )));
        }
        if open.last().is_some_and(|n| *n > MAX_OPERATORS) {
            return Err(beyond(format!(
                "too complex, with more than {MAX_OPERATORS} operators in one expression"
            )));
        }
    }
    Ok(())
}

fn restart(open: &mut [usize]) {
    if let Some(operators) = open.last_mut() {
        *operators = 0;
    }
}

fn is_operator(token: &Token, lexeme: &Lexeme) -> bool {
    match token {
        Token::Word(_) => OPERATORS.iter().any(|word| lexeme.is_word(word)),
        Token::Plus
        | Token::Minus
        | Token::Mul
        | Token::Div
        | Token::Mod
        | Token::StringConcat
        | Token::Eq
        | Token::Neq
        | Token::Lt
        | Token::Gt
        | Token::LtEq
        | Token::GtEq
        | Token::DoubleColon
        | Token::Colon
        | Token::Period
        | Token::ExclamationMark
        | Token::Tilde => true,
        _ => false,
    }
}

fn beyond(reason: String) -> SnowflakeError {
    SnowflakeError::compilation(format!(
        "the statement is {reason}: split it into several statements, or use a temporary table"
    ))
}
