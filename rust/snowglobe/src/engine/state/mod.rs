//! What all sessions share, in memory and on disk.
//!
//! - `shared`: the catalog, the commits and the offsets of streams
//! - `options`: what an engine is opened with
//! - `transaction`: an open transaction, and the locks
//! - `readers`: who reads at which commit
//! - `warehouses`: which of them run (`meter`), and what they have cost
//! - `pipe_queue`: files that were handed to pipes; `waiting_files` keeps them across a restart
//! - `task_runs`: what the scheduler of tasks knows
//! - `copies`: what COPY has found, for VALIDATE
//! - `trust`: whom AWS roles trust

pub(crate) mod copies;
mod meter;
pub(crate) mod options;
pub(crate) mod pipe_queue;
pub(crate) mod readers;
pub(crate) mod shared;
pub(crate) mod task_runs;
pub(crate) mod transaction;
pub(crate) mod trust;
pub(crate) mod waiting_files;
pub(crate) mod warehouses;
