//! Snowflake's HTTP, from a request's bytes to a call of the engine and back. It knows no SQL.
//!
//! [`statements`] is SQL API v2, [`drivers`] the official drivers' protocol, [`snowpipe`] Snowpipe REST, [`admin`] what Snowglobe has beside them.

mod admin;
mod answer;
mod arrow;
mod body;
mod columns;
mod drivers;
mod error;
mod json;
mod ledger;
mod registry;
mod request;
mod rowset;
mod run;
mod snowpipe;
mod statement;
mod statements;
mod value;

use crate::auth::Authenticator;
use crate::engine::Engine;
use crate::faults::Faults;
use axum::Router;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::routing::{delete, get, post};
use error::ApiError;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use drivers::sessions::Sessions;
pub use registry::Statements;

/// What the handlers share.
#[derive(Clone)]
pub struct App {
    /// Answers SQL.
    pub engine: Engine,
    /// Knows the users.
    pub authenticator: Arc<Authenticator>,
    /// Statements that run or have run.
    pub statements: Arc<Statements>,
    /// Sessions of drivers.
    pub sessions: Arc<Sessions>,
    /// What is to go wrong.
    pub faults: Arc<Faults>,
    /// The limits.
    pub limits: Limits,
}

/// Limits of the wire.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a submission waits for its result before it is answered with 202; with zero, all are. Snowflake: 45 seconds.
    pub wait: Duration,
    /// The longest body, decompressed.
    pub body_bytes: usize,
    /// A result is cut into partitions of about so many bytes.
    pub partition_bytes: usize,
    /// Finished results are forgotten, oldest first, once they hold more than this.
    pub kept_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(45),
            body_bytes: 64 * 1024 * 1024,
            partition_bytes: 8 * 1024 * 1024,
            kept_bytes: 1024 * 1024 * 1024,
        }
    }
}

impl App {
    /// The user of a request.
    fn user(&self, headers: &HeaderMap) -> Result<String, ApiError> {
        Ok(self.authenticator.authenticate(headers)?)
    }

    /// Refuses a request without the admin token: what it asks for concerns all users.
    fn require_admin(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        self.authenticator.authenticate(headers)?;
        match self.authenticator.has_admin_token(headers) {
            true => Ok(()),
            false => Err(ApiError::new(
                403,
                "not allowed for this user: send the admin token",
            )),
        }
    }
}

/// All paths.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/api/v2/statements", post(statements::submit))
        .route("/api/v2/statements/", post(statements::submit))
        .route("/api/v2/statements/{handle}", get(statements::poll))
        .route(
            "/api/v2/statements/{handle}/cancel",
            post(statements::cancel),
        )
        .route(
            "/v1/data/pipes/{pipe}/insertFiles",
            post(snowpipe::insert_files),
        )
        .route(
            "/v1/data/pipes/{pipe}/insertReport",
            get(snowpipe::insert_report),
        )
        .route(
            "/v1/data/pipes/{pipe}/loadHistoryScan",
            get(snowpipe::load_history_scan),
        )
        .route("/_snowglobe/health", get(admin::health))
        .route(
            "/_snowglobe/faults",
            get(admin::list).post(admin::arm).delete(admin::clear),
        )
        .route("/_snowglobe/faults/{id}", delete(admin::disarm))
        .route(
            "/_snowglobe/trust",
            get(admin::trusted)
                .post(admin::trust)
                .delete(admin::distrust),
        )
        .route("/_snowglobe/clock", get(admin::clock).post(admin::advance))
        .route(
            "/_snowglobe/warehouses/{name}/suspend",
            post(admin::suspend),
        )
        .merge(drivers::routes())
        .fallback(async || ApiError::new(404, "the path is not one that Snowglobe serves"))
        .method_not_allowed_fallback(async || {
            ApiError::new(405, "the path does not take this method")
        })
        .with_state(app)
}

/// The statements of the last process, from its ledger in `dir`.
///
/// # Errors
/// If the ledger cannot be read or written.
pub fn statements(dir: Option<&Path>, limits: &Limits) -> std::io::Result<Statements> {
    match dir {
        None => Ok(Statements::new(None, Vec::new(), limits.kept_bytes)),
        Some(dir) => {
            let (ledger, known) = ledger::Ledger::open(dir)?;
            Ok(Statements::new(Some(ledger), known, limits.kept_bytes))
        }
    }
}

fn json_type(headers: &mut HeaderMap) {
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
}
