//! How long what was dropped can come back.

use super::{Body, Object};

/// How long a database or schema that was dropped can come back.
const CONTAINER_RETENTION_DAYS: i64 = 1;

/// Whether UNDROP may still bring the object back.
pub(crate) fn is_kept(object: &Object, now: i64) -> bool {
    let days = match &object.body {
        Body::Table(table) => table.retention_days,
        _ => CONTAINER_RETENTION_DAYS,
    };
    object
        .dropped
        .is_some_and(|d| now < d.micros + days * 86_400_000_000)
}
