//! The definition of a procedure.

use super::check;
use crate::engine::catalog::{Parameter, Procedure};
use crate::sql::cursor::Cursor;
use crate::types::error::{Result, SnowflakeError};

/// Reads a procedure from `RETURNS` on, with its comment. A body without quotes takes the rest of the text.
pub(crate) fn procedure_body(
    cursor: &mut Cursor<'_>,
    parameters: Vec<Parameter>,
) -> Result<(Procedure, Option<String>)> {
    cursor.expect("RETURNS")?;
    let returns = if cursor.accept("TABLE") {
        cursor.parenthesized()?;
        None
    } else {
        Some(crate::sql::types::parse(cursor)?)
    };
    let _ = cursor.accept("NOT NULL");
    let mut callers_rights = false;
    let mut comment = None;
    loop {
        if cursor.accept("LANGUAGE") {
            let language = cursor.identifier()?;
            if language != "SQL" {
                return Err(SnowflakeError::unsupported(format!(
                    "procedures in {language}"
                )));
            }
        } else if cursor.accept("EXECUTE AS") {
            callers_rights = match cursor.identifier()?.as_str() {
                "CALLER" => true,
                "OWNER" => false,
                other => return Err(SnowflakeError::unsupported(format!("EXECUTE AS {other}"))),
            };
        } else if cursor.accept("COMMENT") {
            cursor.expect_token(&sqlparser::tokenizer::Token::Eq)?;
            comment = Some(cursor.text()?);
        } else if !(cursor.accept("CALLED ON NULL INPUT")
            || cursor.accept("VOLATILE")
            || cursor.accept("IMMUTABLE"))
        {
            break;
        }
    }
    cursor.expect("AS")?;
    let body = match cursor.text() {
        Ok(body) => body,
        Err(_) => {
            let body = cursor.rest_text().to_owned();
            while cursor.next().is_some() {}
            body
        }
    };
    check(&body)?;
    let procedure = Procedure {
        parameters,
        returns,
        body,
        callers_rights,
    };
    Ok((procedure, comment))
}
