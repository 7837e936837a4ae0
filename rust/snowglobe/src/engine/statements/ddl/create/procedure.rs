//! CREATE PROCEDURE.

use crate::engine::catalog::{Body, Kind, Parameter, Procedure};
use crate::engine::session::Session;
use crate::engine::statements::ddl::{New, if_not_exists, make};
use crate::engine::statements::script;
use crate::sql::cursor::Cursor;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::QueryResult;

pub(super) fn procedure(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    or_replace: bool,
) -> Result<QueryResult> {
    let if_not_exists = if_not_exists(&mut cursor, or_replace)?;
    let mut name = cursor.name()?;
    let parameters = script::parameters(&mut cursor)?;
    script::sign(&mut name, &parameters);
    let _ = cursor.accept("COPY GRANTS");
    let (procedure, comment) = procedure_body(&mut cursor, parameters)?;
    cursor.end()?;
    let body = Body::Procedure(procedure);
    make(
        session,
        New {
            kind: Kind::Procedure,
            name,
            or_replace,
            if_not_exists,
            comment,
            body,
        },
        |_, _| Ok(()),
    )
}

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
    script::check(&body)?;
    let procedure = Procedure {
        parameters,
        returns,
        body,
        callers_rights,
    };
    Ok((procedure, comment))
}
