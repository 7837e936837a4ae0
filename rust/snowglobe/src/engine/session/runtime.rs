//! The shared state together with what is wired above sessions: statements that run statements, what an object in a bucket wakes, and what queries
//! ask of the engine itself.

use std::ops::Deref;
use std::sync::{Arc, Weak};

use super::Session;
use crate::engine::compile::{Builtins, Variables};
use crate::engine::state::shared::Shared;
use crate::types::error::Result;
use crate::types::value::{Binds, QueryResult};

/// What lies above sessions. The engine sets it; nothing else in this layer leads upwards.
#[derive(Clone, Copy)]
pub(crate) struct Wiring {
    /// Runs one statement.
    pub dispatch: fn(&mut Session, &str, &Binds, &Variables) -> Result<QueryResult>,
    /// Reports an object that was put: bucket and key.
    pub object_created: fn(&Runtime, &str, &str),
    /// What queries ask of the engine itself.
    pub builtins: &'static dyn Builtins,
}

/// The shared state, and what is wired above it.
#[derive(Clone)]
pub(crate) struct Runtime {
    pub shared: Arc<Shared>,
    pub wiring: Wiring,
}

/// A runtime that does not keep its engine open.
pub(crate) struct WeakRuntime {
    shared: Weak<Shared>,
    wiring: Wiring,
}

impl Runtime {
    /// For a thread that ends with the engine.
    pub(crate) fn downgrade(&self) -> WeakRuntime {
        WeakRuntime {
            shared: Arc::downgrade(&self.shared),
            wiring: self.wiring,
        }
    }
}

impl WeakRuntime {
    /// The runtime, unless its engine has closed.
    pub(crate) fn upgrade(&self) -> Option<Runtime> {
        let shared = self.shared.upgrade()?;
        Some(Runtime {
            shared,
            wiring: self.wiring,
        })
    }
}

impl Deref for Runtime {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}
