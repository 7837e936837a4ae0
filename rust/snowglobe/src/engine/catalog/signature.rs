//! The signature of a procedure, which is part of its name.

use sqlparser::tokenizer::Token;

use super::Parameter;
use crate::sql::cursor::{Cursor, Name};
use crate::sql::types;
use crate::types::error::Result;
use crate::types::value::SnowflakeType;

/// Reads `(name TYPE [DEFAULT value], …)`.
pub(crate) fn parameters(cursor: &mut Cursor<'_>) -> Result<Vec<Parameter>> {
    cursor.expect_token(&Token::LParen)?;
    let mut found = Vec::new();
    while !cursor.accept_token(&Token::RParen) {
        let name = cursor.identifier()?;
        let kind = types::parse(cursor)?;
        let default = if cursor.accept("DEFAULT") {
            Some(cursor.text_until(&[",", ")"])?.to_owned())
        } else {
            None
        };
        found.push(Parameter {
            name,
            kind,
            default,
        });
        cursor.accept_token(&Token::Comma);
    }
    Ok(found)
}

/// The type without its length.
pub(crate) fn type_word(kind: &SnowflakeType) -> String {
    kind.to_string()
        .split('(')
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Adds the argument types to a procedure's name: procedures of one name may differ in them.
pub(crate) fn sign(name: &mut Name, parameters: &[Parameter]) {
    let types: Vec<String> = parameters.iter().map(|p| type_word(&p.kind)).collect();
    if let Some(last) = name.0.last_mut() {
        last.push_str(&format!("({})", types.join(", ")));
    }
}

/// Reads `(TYPE, …)` and adds it to the name.
pub(crate) fn read(name: &mut Name, cursor: &mut Cursor<'_>) -> Result<()> {
    cursor.expect_token(&Token::LParen)?;
    let mut kinds = Vec::new();
    while !cursor.accept_token(&Token::RParen) {
        kinds.push(type_word(&types::parse(cursor)?));
        cursor.accept_token(&Token::Comma);
    }
    if let Some(last) = name.0.last_mut() {
        last.push_str(&format!("({})", kinds.join(", ")));
    }
    Ok(())
}
