//! What all sessions share, in memory and on disk.
//!
//! - `shared`: the catalog, the commits and the offsets of streams
//! - `transaction`: an open transaction, and the locks
//! - `warehouses`: which of them run, and what they have cost
//! - `trust`: whom AWS roles trust

pub(crate) mod shared;
pub(crate) mod transaction;
pub(crate) mod trust;
pub(crate) mod warehouses;
