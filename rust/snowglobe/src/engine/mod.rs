//! The engine: what a statement means and does. It knows files through [`objects::ObjectStore`] and time through [`clock::Clock`];
//! it knows no socket and no HTTP.

pub mod clock;
pub mod error;
pub mod objects;
pub mod session;
pub mod value;

use std::path::PathBuf;
use std::sync::Arc;

use duckdb::Connection;

pub use crate::sql::tokens::split_statements;
pub use clock::Clock;
pub use error::{Result, SnowflakeError};
pub use objects::{MemoryStore, ObjectMeta, ObjectStore};
pub use session::{CancelHandle, Session};
pub use value::{
    Bind, Binds, ColumnMeta, QueryResult, RowStats, SnowflakeType, StatementKind, Value,
};

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
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            data_dir: None,
            clock: Clock::system(),
            object_store: Arc::new(MemoryStore::default()),
            account: "SNOWGLOBE".to_owned(),
        }
    }
}

/// Who opens a session, and where it starts. Names are as Snowflake takes them: upper-cased unless in double quotes.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// The user; it must exist. A new engine has `SNOWGLOBE`, an account administrator.
    pub user: String,
    /// The role, or the user's default.
    pub role: Option<String>,
    /// The warehouse, or the user's default.
    pub warehouse: Option<String>,
    /// The database, or the user's default namespace.
    pub database: Option<String>,
    /// The schema, or `PUBLIC`.
    pub schema: Option<String>,
}

/// What `insertFiles` and Snowpipe's reports say of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipeFileReport {
    /// The path relative to the pipe's stage.
    pub path: String,
    /// The stage location.
    pub stage_location: String,
    /// Bytes.
    pub file_size: u64,
    /// When it was handed over, microseconds UTC.
    pub time_received_micros: i64,
    /// When its last row was loaded, microseconds UTC.
    pub last_insert_micros: i64,
    /// Rows loaded.
    pub rows_inserted: u64,
    /// Rows read.
    pub rows_parsed: u64,
    /// Rows refused.
    pub errors_seen: u64,
    /// How many refused rows would have failed the file.
    pub error_limit: u64,
    /// The first refused row's message.
    pub first_error: Option<String>,
    /// Its line.
    pub first_error_line: Option<u64>,
    /// Its character.
    pub first_error_character: Option<u64>,
    /// Its column.
    pub first_error_column: Option<String>,
    /// Whether loading is over, as Snowflake's `complete`.
    pub complete: bool,
    /// `LOAD_IN_PROGRESS`, `LOADED`, `LOAD_FAILED` or `PARTIALLY_LOADED`.
    pub status: &'static str,
}

/// A database of its own. Clones share it.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) options: EngineOptions,
    pub(crate) connection: std::sync::Mutex<Connection>,
}

impl Engine {
    /// Opens the data, or makes a new account.
    ///
    /// # Errors
    /// If the data cannot be read.
    pub fn open(options: EngineOptions) -> Result<Self> {
        let connection = Connection::open_in_memory().map_err(SnowflakeError::internal)?;
        Ok(Self(Arc::new(Shared {
            options,
            connection: std::sync::Mutex::new(connection),
        })))
    }

    /// Opens a session.
    ///
    /// # Errors
    /// If the user is unknown or may not take the role.
    pub fn session(&self, login: Login) -> Result<Session> {
        Session::open(Arc::clone(&self.0), login)
    }

    /// The clock that this engine goes by.
    pub fn clock(&self) -> &Clock {
        &self.0.options.clock
    }

    /// The user's `RSA_PUBLIC_KEY` and `RSA_PUBLIC_KEY_2`: base64 of the DER, without PEM's header and footer. Empty if there is no such user.
    pub fn user_public_keys(&self, _user: &str) -> Vec<String> {
        Vec::new()
    }

    /// What an S3 event notification does: pipes with `AUTO_INGEST` whose stage covers the key take the file. Returns at once.
    pub fn notify_object_created(&self, _bucket: &str, _key: &str, _size: u64, _etag: &str) {}

    /// Snowpipe REST `insertFiles`: hands files (paths relative to the pipe's stage) over. Returns at once.
    ///
    /// # Errors
    /// If there is no such pipe, or the session's role may not operate it.
    pub fn insert_files(&self, _session: &Session, _pipe: &str, _files: &[String]) -> Result<()> {
        Err(SnowflakeError::unsupported("insertFiles"))
    }

    /// Snowpipe REST `insertReport`: what became of the files of the last ten minutes, at most 10,000.
    ///
    /// # Errors
    /// As [`Self::insert_files`].
    pub fn insert_report(&self, _session: &Session, _pipe: &str) -> Result<Vec<PipeFileReport>> {
        Err(SnowflakeError::unsupported("insertReport"))
    }

    /// Snowpipe REST `loadHistoryScan`: files whose loading ended in `[from, to)`, microseconds UTC.
    ///
    /// # Errors
    /// As [`Self::insert_files`].
    pub fn load_history_scan(
        &self,
        _session: &Session,
        _pipe: &str,
        _from: i64,
        _to: i64,
    ) -> Result<Vec<PipeFileReport>> {
        Err(SnowflakeError::unsupported("loadHistoryScan"))
    }

    /// Suspends a warehouse as its auto-suspend would: running statements end, the next one resumes it if it may.
    ///
    /// # Errors
    /// If there is no such warehouse.
    pub fn suspend_warehouse(&self, _warehouse: &str) -> Result<()> {
        Err(SnowflakeError::unsupported("suspend_warehouse"))
    }
}
