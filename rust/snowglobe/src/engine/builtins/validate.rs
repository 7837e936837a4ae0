//! `VALIDATE`, which looks back at what a COPY has found malformed.

use crate::engine::compile::Context;
use crate::engine::statements::copy::transformed;
use crate::engine::storage::Rows;
use crate::sql::cursor::Name;
use crate::types::error::{Result, SnowflakeError};

/// The rows of `VALIDATE(table, JOB_ID => id)`.
///
/// # Errors
/// If the session has run no such COPY, or a transformation.
pub(crate) fn table_function(context: &Context<'_>, table: &Name, job: &str) -> Result<Rows> {
    let table = context.find_relation(table)?;
    let found = context.memory.copies.iter().rev().find(|found| match job {
        "_last" => true,
        id => found.query_id == id && found.target == table.id,
    });
    let found = found.ok_or_else(|| {
        SnowflakeError::compilation(format!(
            "VALIDATE: this session has run no COPY with the id '{job}' into table {}",
            table.short()
        ))
    })?;
    let errors = found.errors.as_ref();
    let errors = errors.ok_or_else(|| transformed("VALIDATE"))?;
    Ok(Rows::clone(errors))
}
