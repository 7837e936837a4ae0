//! What an engine is opened with.

use std::path::PathBuf;
use std::sync::Arc;

use crate::object_store::{MemoryStore, ObjectStore};
use crate::types::clock::Clock;

/// What an engine is opened with.
#[derive(Clone)]
pub struct EngineOptions {
    /// Where data is kept; in memory without.
    pub data_dir: Option<PathBuf>,
    /// The time that tasks, history and `CURRENT_TIMESTAMP` go by.
    pub clock: Clock,
    /// The buckets behind stages.
    pub object_store: Arc<dyn ObjectStore>,
    /// The account's name, upper case.
    pub account: String,
    /// Whether AWS roles trust only whom their policy names, as [`Engine::trust`](crate::engine::Engine::trust) sets it.
    pub strict_trust: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            data_dir: None,
            clock: Clock::system(),
            object_store: Arc::new(MemoryStore::default()),
            account: "SNOWGLOBE".to_owned(),
            strict_trust: false,
        }
    }
}
