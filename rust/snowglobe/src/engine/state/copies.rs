//! What COPY has found malformed, for VALIDATE.

use std::sync::Arc;

use crate::engine::storage::Rows;

/// What a COPY of this session has found, for VALIDATE.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub query_id: String,
    pub target: u64,
    /// None for a transformation, which VALIDATE does not look into.
    pub errors: Option<Arc<Rows>>,
}
