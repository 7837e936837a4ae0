//! The engine: what a statement means and does. It knows files through [`objects::ObjectStore`] and time through [`clock::Clock`];
//! it knows no socket and no HTTP.

mod builtins;
mod catalog;
mod compile;
mod execute;
mod files;
mod services;
pub mod session;
mod state;
mod statements;
mod storage;

use std::sync::Arc;

use catalog::{Body, Kind};
use services::{pipes, tasks, vacuum};
use session::{Runtime, Wiring};
use state::shared::Shared;

pub use crate::object_store::{MemoryStore, ObjectMeta, ObjectStore};
pub use crate::sql::tokens::split_statements;
pub use crate::types::SNOWFLAKE_VERSION;
pub use crate::types::clock::Clock;
pub use crate::types::error::{Result, SnowflakeError};
pub use crate::types::value::{
    Bind, Binds, ColumnMeta, QueryResult, RowStats, SnowflakeType, StatementKind, Value,
};
pub use session::{Login, Session};
pub use state::options::EngineOptions;
pub use state::pipe_queue::PipeFileReport;
pub use state::trust::TrustPolicy;
pub use storage::cancel::CancelHandle;

/// A database of its own. Clones share it; its threads end with the last of them.
#[derive(Clone)]
pub struct Engine(Arc<Opened>);

/// What leads upwards in the engine: everything else knows only the layers below it.
const WIRING: Wiring = Wiring {
    dispatch: execute::statement,
    object_created: pipes::notify,
    builtins: &builtins::Engine,
};

struct Opened {
    runtime: Runtime,
    vacuum: Option<vacuum::Vacuum>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.runtime
            .closing
            .store(true, std::sync::atomic::Ordering::SeqCst);
        self.runtime.options.clock.wake();
        self.runtime.pipes.wake();
        self.vacuum = None;
    }
}

impl Engine {
    /// Opens the data, or makes a new account.
    ///
    /// # Errors
    /// If the data cannot be read.
    pub fn open(options: EngineOptions) -> Result<Self> {
        let runtime = Runtime {
            shared: Arc::new(Shared::open(options)?),
            wiring: WIRING,
        };
        pipes::start(&runtime);
        tasks::start(&runtime);
        let vacuum = Some(vacuum::Vacuum::start(&runtime.shared));
        Ok(Self(Arc::new(Opened { runtime, vacuum })))
    }

    /// Gone once the last clone, session and thread of this engine have ended and its files are closed.
    pub fn until_closed(&self) -> std::sync::Weak<()> {
        Arc::downgrade(&self.0.runtime.open)
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.0.runtime.shared
    }

    /// Opens a session.
    ///
    /// # Errors
    /// If the user is unknown or may not take the role.
    pub fn session(&self, login: Login) -> Result<Session> {
        Session::open(&self.0.runtime, login)
    }

    /// The clock that this engine goes by.
    pub fn clock(&self) -> &Clock {
        &self.shared().options.clock
    }

    /// The user's `RSA_PUBLIC_KEY` and `RSA_PUBLIC_KEY_2`: base64 of the DER, without PEM's header and footer. Empty if there is no such user.
    pub fn user_public_keys(&self, user: &str) -> Vec<String> {
        match self
            .shared()
            .catalog()
            .find(Kind::User, &[user.to_uppercase()])
            .map(|o| o.body.clone())
        {
            Some(Body::User(user)) if !user.disabled => {
                user.public_keys.into_iter().flatten().collect()
            }
            _ => Vec::new(),
        }
    }

    /// What an S3 event notification does: pipes with `AUTO_INGEST` whose stage covers the key take the file. Returns at once.
    pub fn notify_object_created(&self, bucket: &str, key: &str, _size: u64, _etag: &str) {
        pipes::notify(&self.0.runtime, bucket, key);
    }

    fn pipe(session: &Session, pipe: &str, privilege: &str) -> Result<Arc<catalog::Object>> {
        let (binds, variables) = (Binds::default(), std::collections::BTreeMap::new());
        let context = session.context(&binds, &variables);
        let object = context.find(Kind::Pipe, &crate::sql::cursor::Name::parse(pipe)?)?;
        if privilege != "MONITOR" || context.require(&object, "OPERATE").is_err() {
            context.require(&object, privilege)?;
        }
        Ok(object)
    }

    /// Snowpipe REST `insertFiles`: hands files (paths relative to the pipe's stage) over. Returns at once.
    ///
    /// # Errors
    /// If there is no such pipe, or the session's role may not operate it.
    pub fn insert_files(&self, session: &Session, pipe: &str, files: &[String]) -> Result<()> {
        pipes::insert_files(session, &*Self::pipe(session, pipe, "OPERATE")?, files)
    }

    /// Snowpipe REST `insertReport`: what became of the files of the last ten minutes, at most 10,000.
    ///
    /// # Errors
    /// As [`Self::insert_files`].
    pub fn insert_report(&self, session: &Session, pipe: &str) -> Result<Vec<PipeFileReport>> {
        Ok(pipes::reports(
            self.shared(),
            Self::pipe(session, pipe, "MONITOR")?.id,
        ))
    }

    /// Snowpipe REST `loadHistoryScan`: files whose loading ended in `[from, to)`, microseconds UTC.
    ///
    /// # Errors
    /// As [`Self::insert_files`].
    pub fn load_history_scan(
        &self,
        session: &Session,
        pipe: &str,
        from: i64,
        to: i64,
    ) -> Result<Vec<PipeFileReport>> {
        pipes::history(
            self.shared(),
            &*Self::pipe(session, pipe, "MONITOR")?,
            from,
            to,
        )
    }

    /// Lets AWS roles trust only whom their policy names, from now on.
    pub fn demand_trust(&self) {
        self.shared().trust.be_strict();
    }

    /// The trust policies of AWS roles.
    pub fn trusted(&self) -> Vec<TrustPolicy> {
        self.shared().trust.list()
    }

    /// Sets the trust policy of an AWS role, as an administrator of AWS does.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub fn trust(&self, policy: TrustPolicy) -> Result<()> {
        let shared = self.shared();
        let _writing = shared.start_writing();
        shared.with_main(|main| shared.trust.set(main, policy))
    }

    /// Takes all trust policies away.
    ///
    /// # Errors
    /// If that cannot be kept.
    pub fn distrust(&self) -> Result<()> {
        let shared = self.shared();
        let _writing = shared.start_writing();
        shared.with_main(|main| shared.trust.clear(main))
    }

    /// Suspends a warehouse as its auto-suspend would: the next statement resumes it if it may.
    ///
    /// # Errors
    /// If there is no such warehouse.
    pub fn suspend_warehouse(&self, warehouse: &str) -> Result<()> {
        let shared = self.shared();
        match shared
            .catalog()
            .find(Kind::Warehouse, &[warehouse.to_uppercase()])
            .map(|o| o.body.clone())
        {
            Some(Body::Warehouse(body)) => {
                shared
                    .warehouses
                    .suspend(shared, &warehouse.to_uppercase(), &body)
            }
            _ => Err(SnowflakeError::missing("Warehouse", warehouse)),
        }
    }
}
