//! A pipeline with a handle, for synchronous callers. It decodes settings and requests, runs the core on a small
//! runtime of its own, and encodes the results; the core does the loading.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use firn::contract::Contract;
use firn::merge::{Deployment, Identifier};
use firn::pipeline::{
    Deadline, InputFile, LoadListener, LoadMode, Loaded, Loader, Pipeline, RowCounts,
};
use firn::reader::RejectedRow;
use firn::snowflake::{Connection, Credential, Secret};
use firn::store::{AccessKey, Compression, S3Store, StoreOptions};
use firn::{Error, Result};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::contents::{self, Caller, Requests, Served};
use crate::failure::Failure;
use crate::rejected_rows::RejectedRows;
use crate::tickets::Session;

/// The timeout for the end of a session, when only a cancel request can still be running.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// All settings of a session, in one document.
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

/// A content of the caller.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestFile {
    name: String,
    bytes: u64,
    /// When the file was last modified, in milliseconds since 1970.
    modified_millis: Option<u64>,
}

impl RequestFile {
    fn modified(&self) -> Option<SystemTime> {
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(self.modified_millis?))
    }
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
    /// The table that the contract names.
    table: String,
    /// The objects' names: one, or several for a large file.
    source_files: Vec<String>,
    /// Rows read, and the malformed rows among them.
    rows_read: u64,
    malformed: u64,
    /// None if an earlier call uploaded the file.
    bytes: Option<u64>,
    /// None if the mode does not wait for the merge.
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
    /// `Config` if a setting is invalid.
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

    /// Checks everything that loading needs; returns the findings as JSON.
    ///
    /// # Errors
    /// `Transient` if the timeout passes.
    pub fn verify(&self, timeout: Duration) -> Result<String> {
        // The user is waiting: an unreachable service is reported soon, not retried for minutes.
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

    /// Loads the contents of `caller` that the JSON document `request` lists; returns an outcome for each, as JSON.
    ///
    /// # Errors
    /// `Config` if the request is invalid, `Transient` if the caller cancels, and the errors of the caller. The error of a single
    /// file is in its outcome.
    pub fn put(&self, request: &str, caller: &mut impl Caller) -> Result<String, Failure> {
        let request: Request = document(request, "request")?;
        let runtime = self.runtime()?;
        let (requests, answers) = contents::channel();
        std::thread::scope(|scope| {
            let (end, ended) = oneshot::channel::<()>();
            let load = scope.spawn(move || {
                let outcomes = runtime.block_on(async {
                    tokio::select! {
                        outcomes = self.put_files(&request, &requests) => Some(outcomes),
                        _ = ended => None,
                    }
                });
                requests.finish();
                outcomes
            });
            let served = answers.serve(caller);
            // Readers that still wait end with an error.
            drop(answers);
            drop(end);
            let outcomes = match load.join() {
                Ok(outcomes) => outcomes,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            match (served?, outcomes) {
                (Served::Finished, Some(outcomes)) => Ok(encode(&outcomes)?),
                _ => Err(Error::transient("the load was cancelled").into()),
            }
        })
    }

    async fn put_files(&self, request: &Request, requests: &Requests) -> Vec<Outcome> {
        let deadline = Deadline::At(Instant::now() + Duration::from_millis(request.timeout_millis));
        let input = |(number, file): (usize, &RequestFile)| {
            let content = requests.content(number, file.bytes, file.modified());
            InputFile::Content(file.name.clone(), Arc::new(content))
        };
        let inputs: Vec<InputFile> = request.files.iter().enumerate().map(input).collect();
        let rejects = Arc::new(RejectFiles::of(inputs.len(), requests));
        let listener = Arc::clone(&rejects) as Arc<dyn LoadListener>;
        let outcomes = self
            .loader
            .load(inputs, request.mode, deadline, listener)
            .await;
        let written = rejects.finish();
        let table = self.loader.pipeline().contract().table();
        let outcome = |(outcome, written): (Result<Loaded>, Result<()>)| match outcome
            .and_then(|loaded| written.map(|()| loaded))
        {
            Ok(loaded) => Outcome::Loaded(LoadedFile::of(table, loaded)),
            Err(error) => Outcome::Failed {
                kind: crate::failure::fault_name(&error),
                message: error.to_string(),
            },
        };
        outcomes.into_iter().zip(written).map(outcome).collect()
    }
}

impl LoadedFile {
    fn of(table: &str, loaded: Loaded) -> Self {
        let objects = loaded.objects;
        let sent = objects.iter().filter_map(|one| one.object.bytes);
        let counts = loaded.reports.iter().map(|one| one.counts);
        Self {
            table: table.to_owned(),
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
    fn of(files: usize, requests: &Requests) -> Self {
        let rows = |file| Mutex::new(RejectedRows::to(requests.rejected(file)));
        Self((0..files).map(rows).collect())
    }

    /// Finishes each file's rows; returns the outcome of writing them.
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
    fn an_error_for_an_invalid_document_does_not_show_its_secrets() {
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
