//! A pipeline behind a handle, for callers who know nothing of async. It decodes settings and requests, drives the core on a small
//! runtime of its own, and encodes what came of it; what loading means is the core's.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use firn::contract::Contract;
use firn::merge::{Deployment, Identifier};
use firn::pipeline::{Deadline, LoadListener, LoadMode, Loaded, Loader, Pipeline, RowCounts};
use firn::reader::RejectedRow;
use firn::snowflake::{Connection, Credential, Secret};
use firn::store::{AccessKey, Compression, S3Store, StoreOptions};
use firn::{Error, Result};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use crate::rejected_rows::RejectedRows;
use crate::tickets::Session;

/// How long the end of a session may take; only a cancel request can still be under way then.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// Everything that a session needs, in one document.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    url: String,
    account: String,
    user: Option<String>,
    private_key: Option<String>,
    private_key_passphrase: Option<String>,
    access_token: Option<String>,
    oauth_token: Option<String>,
    role: Option<String>,
    warehouse: Option<String>,
    database: String,
    schema: String,
    /// TOML, or none for the customer contract.
    contract: Option<String>,
    /// `s3://bucket/prefix/`.
    stage_url: String,
    endpoint: Option<String>,
    region: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    compression: Compression,
}

/// Files to load together.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    files: Vec<RequestFile>,
    mode: LoadMode,
    timeout_millis: u64,
}

#[derive(Deserialize)]
struct RequestFile {
    path: PathBuf,
    /// Where the malformed rows are written, as CSV; the file is made when there is one.
    rejected: PathBuf,
}

/// What happened to one file of a request.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Loaded(LoadedFile),
    Failed { kind: &'static str, message: String },
}

#[derive(Serialize)]
struct LoadedFile {
    /// The objects' names: one, or of a large file several.
    source_files: Vec<String>,
    /// Rows read, and those of them that are malformed.
    rows_read: u64,
    malformed: u64,
    /// None if an earlier call uploaded the file.
    bytes: Option<u64>,
    /// None where the mode does not wait for the merge.
    counts: Option<RowCounts>,
    upload_millis: u128,
    load_millis: u128,
}

/// A pipeline with its runtime.
pub struct LoaderSession {
    loader: Loader,
    runtime: Option<Runtime>,
}

impl Session for LoaderSession {
    const WHAT: &'static str = "a loader";
}

impl Drop for LoaderSession {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(END_TIMEOUT);
        }
    }
}

/// The parser's own message may quote a value, and a value may be a secret.
fn document<'a, T: Deserialize<'a>>(json: &'a str, what: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Error::config(format!(
            "invalid {what} document at line {line} column {column}"
        ))
    })
}

impl Settings {
    fn pipeline(&self) -> Result<Pipeline> {
        let contract = self
            .contract
            .as_deref()
            .map_or_else(|| Ok(Contract::customer()), Contract::parse)?;
        let mut deployment = Deployment {
            database: Identifier::new(&self.database),
            schema: Identifier::new(&self.schema),
            ..Deployment::default()
        };
        deployment.storage.url.clone_from(&self.stage_url);
        if let Some(warehouse) = &self.warehouse {
            deployment.warehouse = Identifier::new(warehouse);
        }
        let connection = Connection {
            url: self.url.trim_end_matches('/').to_owned(),
            account: self.account.clone(),
            user: self.user.clone(),
            credential: self.credential()?,
            role: self.role.clone(),
            warehouse: self.warehouse.clone(),
            database: None,
            schema: None,
        };
        Pipeline::new(contract, deployment, connection)
    }

    fn credential(&self) -> Result<Credential> {
        if let Some(token) = &self.access_token {
            return Ok(Credential::AccessToken(Secret::new(token)));
        }
        if let Some(token) = &self.oauth_token {
            return Ok(Credential::OAuth(Secret::new(token)));
        }
        let (Some(user), Some(pem)) = (&self.user, &self.private_key) else {
            return Err(Error::config(
                "no credentials: set User and Private Key, or Token",
            ));
        };
        let passphrase = self.private_key_passphrase.as_ref().map(Secret::new);
        Credential::key_pair(&self.account, user, &Secret::new(pem), passphrase.as_ref())
    }

    fn store(&self) -> StoreOptions {
        let access_key = self
            .access_key_id
            .clone()
            .zip(self.secret_access_key.clone());
        StoreOptions {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            access_key: access_key.map(|(id, secret)| AccessKey { id, secret }),
            compression: self.compression,
            ..StoreOptions::default()
        }
    }
}

impl LoaderSession {
    /// Opens a session; nothing is sent yet.
    ///
    /// # Errors
    /// `Config` if a setting makes no sense.
    pub fn open(settings: &str) -> Result<Self> {
        let settings: Settings = document(settings, "configuration")?;
        let pipeline = settings.pipeline()?;
        let location = pipeline.location()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("firn-loader")
            .enable_all()
            .build()
            .map_err(|error| Error::transient("cannot start a thread").with_source(error))?;
        let store = runtime.block_on(S3Store::open(location, settings.store()));
        Ok(Self {
            loader: pipeline.with_store(store),
            runtime: Some(runtime),
        })
    }

    fn runtime(&self) -> Result<&Runtime> {
        self.runtime
            .as_ref()
            .ok_or_else(|| Error::bug("the loader is closed"))
    }

    /// Looks at everything that loading needs; the findings as JSON.
    ///
    /// # Errors
    /// `Transient` if that takes longer than `timeout`.
    pub fn verify(&self, timeout: Duration) -> Result<String> {
        // Somebody waits for the answer: a service that is not there is reported soon, not tried again for minutes.
        let pipeline = self.loader.pipeline().clone().with_timeout(timeout / 6);
        let doctor = pipeline.doctor(Some(self.loader.store()));
        let findings = self
            .runtime()?
            .block_on(async { tokio::time::timeout(timeout, doctor).await });
        let findings = findings.map_err(|_| {
            Error::transient(format!(
                "timeout: no response within {} s",
                timeout.as_secs()
            ))
        })?;
        encode(&findings)
    }

    /// Loads the files of the JSON document `request`; an outcome for each, as JSON.
    ///
    /// # Errors
    /// `Config` if the request is not what it should be. What befalls one file is in its outcome.
    pub fn put(&self, request: &str) -> Result<String> {
        let request: Request = document(request, "request")?;
        encode(&self.runtime()?.block_on(self.put_files(&request)))
    }

    async fn put_files(&self, request: &Request) -> Vec<Outcome> {
        let deadline = Deadline::At(Instant::now() + Duration::from_millis(request.timeout_millis));
        let paths: Vec<PathBuf> = request.files.iter().map(|file| file.path.clone()).collect();
        let rejects = Arc::new(RejectFiles::of(&request.files));
        let listener = Arc::clone(&rejects) as Arc<dyn LoadListener>;
        let outcomes = self
            .loader
            .load(&paths, request.mode, deadline, listener)
            .await;
        let written = rejects.finish();
        let outcome = |(outcome, written): (Result<Loaded>, Result<()>)| match outcome
            .and_then(|loaded| written.map(|()| loaded))
        {
            Ok(loaded) => Outcome::Loaded(loaded.into()),
            Err(error) => Outcome::Failed {
                kind: crate::failure::fault_name(&error),
                message: error.to_string(),
            },
        };
        outcomes.into_iter().zip(written).map(outcome).collect()
    }
}

impl From<Loaded> for LoadedFile {
    fn from(loaded: Loaded) -> Self {
        let objects = loaded.objects;
        let sent = objects.iter().filter_map(|one| one.object.bytes);
        let counts = loaded.reports.iter().map(|one| one.counts);
        Self {
            bytes: sent.reduce(|all, one| all + one),
            rows_read: objects.iter().map(|one| one.rows.rows).sum(),
            malformed: objects.iter().map(|one| one.rows.malformed).sum(),
            counts: (!loaded.reports.is_empty()).then(|| counts.sum()),
            source_files: objects.into_iter().map(|one| one.source_file).collect(),
            upload_millis: loaded.upload_time.as_millis(),
            load_millis: loaded.load_time.as_millis(),
        }
    }
}

/// The malformed rows of each file of a request.
struct RejectFiles(Vec<Mutex<RejectedRows>>);

impl RejectFiles {
    fn of(files: &[RequestFile]) -> Self {
        let rows = |file: &RequestFile| Mutex::new(RejectedRows::to(&file.rejected));
        Self(files.iter().map(rows).collect())
    }

    /// For each file, whether its rows are written.
    fn finish(&self) -> Vec<Result<()>> {
        self.0.iter().map(|rows| locked(rows).finish()).collect()
    }
}

fn locked(rows: &Mutex<RejectedRows>) -> MutexGuard<'_, RejectedRows> {
    rows.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LoadListener for RejectFiles {
    fn row_rejected(&self, file: usize, row: &RejectedRow) {
        locked(&self.0[file]).add(row);
    }
}

fn encode(answer: &impl Serialize) -> Result<String> {
    serde_json::to_string(answer)
        .map_err(|error| Error::bug("cannot write JSON").with_source(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_does_not_fit_does_not_show_its_secrets() {
        let error =
            LoaderSession::open(r#"{"url": "u", "private_key": 5, "access_token": "s3cret"}"#)
                .err()
                .unwrap();
        assert!(
            error
                .to_string()
                .starts_with("invalid configuration document"),
            "{error}"
        );
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}
