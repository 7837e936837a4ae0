//! CREATE PROCEDURE.

use crate::engine::catalog::signature;
use crate::engine::catalog::{Body, Kind};
use crate::engine::session::Session;
use crate::engine::statements::ddl::{New, if_not_exists, make};
use crate::engine::statements::script::procedure_body;
use crate::sql::cursor::Cursor;
use crate::types::error::Result;
use crate::types::value::QueryResult;

pub(super) fn procedure(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    or_replace: bool,
) -> Result<QueryResult> {
    let if_not_exists = if_not_exists(&mut cursor, or_replace)?;
    let mut name = cursor.name()?;
    let parameters = signature::parameters(&mut cursor)?;
    signature::sign(&mut name, &parameters);
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
