//! What stands after DECLARE, and LET.

use sqlparser::tokenizer::Token;

use super::Declaration;
use crate::sql::cursor::Cursor;
use crate::sql::types;
use crate::types::error::{Result, SnowflakeError};

pub(super) fn declaration(cursor: &mut Cursor<'_>) -> Result<Declaration> {
    let name = cursor.identifier()?;
    if cursor.accept("RESULTSET") {
        let is_given = cursor.accept("DEFAULT") || cursor.accept_token(&Token::Assignment);
        let query = if is_given {
            Some(parenthesized(cursor)?)
        } else {
            None
        };
        return Ok(Declaration::ResultSet { name, query });
    }
    if cursor.accept("CURSOR") {
        cursor.expect("FOR")?;
        let query = cursor.text_until(&[";"])?.to_owned();
        return Ok(Declaration::Cursor { name, query });
    }
    if cursor.accept("EXCEPTION") {
        let (mut code, mut message) = (-20_000, String::new());
        if cursor.accept_token(&Token::LParen) {
            code = cursor.integer()?;
            if !(-20_999..=-20_000).contains(&code) {
                return Err(SnowflakeError::compilation(format!(
                    "the number of exception {name} is {code}, not between -20999 and -20000"
                )));
            }
            if cursor.accept_token(&Token::Comma) {
                message = cursor.text()?;
            }
            cursor.expect_token(&Token::RParen)?;
        }
        return Ok(Declaration::Exception {
            name,
            code,
            message,
        });
    }
    let is_typed = cursor
        .peek()
        .is_some_and(|l| matches!(l.token, Token::Word(_)))
        && !cursor.at_words("DEFAULT");
    let kind = if is_typed {
        Some(types::parse(cursor)?)
    } else {
        None
    };
    let is_given = cursor.accept("DEFAULT") || cursor.accept_token(&Token::Assignment);
    let value = if is_given {
        Some(cursor.text_until(&[";"])?.to_owned())
    } else {
        None
    };
    if kind.is_none() && value.is_none() {
        return Err(cursor.unexpected());
    }
    Ok(Declaration::Variable { name, kind, value })
}

pub(super) fn parenthesized(cursor: &mut Cursor<'_>) -> Result<String> {
    cursor.parenthesized().map(|(text, _)| text.to_owned())
}
