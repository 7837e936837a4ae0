//! A pipeline behind a handle, for callers who know nothing of async. It decodes settings and requests, drives the core on a small
//! runtime of its own, and encodes what came of it; what loading means is the core's.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use firn::contract::Contract;
use firn::merge::{Deployment, Identifier};
use firn::pipeline::{FileReport, Loader, MAX_CONCURRENT_UPLOADS, Pipeline, RowCounts, StagedFile};
use firn::reader::RejectedRow;
use firn::snowflake::{Connection, Credential, Secret};
use firn::store::{AccessKey, Compression, S3Store, StoreOptions};
use firn::{Error, Result};
use futures::stream::{self, StreamExt};
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
    mode: Mode,
    timeout_millis: u64,
}

#[derive(Deserialize)]
struct RequestFile {
    path: PathBuf,
    /// Where the malformed rows are written, as CSV; the file is made when there is one.
    rejected: PathBuf,
}

/// How far the caller wants to see its rows.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// Load and merge now.
    CopyAndMerge,
    /// Upload: the pipe and the task do the rest.
    Snowpipe,
    /// Upload, and wait until the pipe and the task have done the rest.
    SnowpipeAwaited,
}

/// What happened to one file of a request.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Loaded(Loaded),
    Failed { kind: &'static str, message: String },
}

#[derive(Serialize)]
struct Loaded {
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
            "the {what} is not the document that was expected, at line {line} column {column}"
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
                "nothing proves the user: give a user and a private key, or a token",
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
            .map_err(|error| Error::transient("no thread can be started").with_source(error))?;
        let store = runtime.block_on(S3Store::open(location, settings.store()));
        Ok(Self {
            loader: pipeline.with_store(store),
            runtime: Some(runtime),
        })
    }

    fn runtime(&self) -> Result<&Runtime> {
        self.runtime
            .as_ref()
            .ok_or_else(|| Error::bug("the loader has ended"))
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
        let findings = findings
            .map_err(|_| Error::transient(format!("no answer within {} s", timeout.as_secs())))?;
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
        let deadline = Instant::now() + Duration::from_millis(request.timeout_millis);
        let uploads = request.files.iter().map(|file| async move {
            let started = Instant::now();
            let remaining = deadline.saturating_duration_since(started);
            let upload =
                tokio::time::timeout(remaining, self.upload(file, request.mode, remaining));
            let staged = upload
                .await
                .unwrap_or_else(|_| Err(Error::transient("the upload took too long")));
            staged.map(|staged| (staged, started.elapsed()))
        });
        let uploads: Vec<_> = stream::iter(uploads)
            .buffered(MAX_CONCURRENT_UPLOADS)
            .collect()
            .await;
        let started = Instant::now();
        let staged: Vec<StagedFile> = uploads
            .iter()
            .flatten()
            .flat_map(|(staged, _)| staged.clone())
            .collect();
        // A service that stays busy is asked again for minutes: the caller's deadline ends that, too.
        let remaining = deadline.saturating_duration_since(Instant::now());
        let load = self.load(&staged, request.mode, deadline);
        let reports = tokio::time::timeout(remaining, load)
            .await
            .unwrap_or_else(|_| {
                Err(Error::transient(
                    "the files are uploaded, but loading them took too long",
                ))
            });
        let mut reports = match reports {
            Ok(reports) => reports.into_iter(),
            Err(error) => {
                // What is uploaded is not lost, but nobody knows yet what became of it: the caller tries again, to no harm.
                return uploads
                    .iter()
                    .map(|upload| failed(upload.as_ref().err().unwrap_or(&error)))
                    .collect();
            }
        };
        let load_millis = started.elapsed().as_millis();
        let outcome = |upload: Result<(Vec<StagedFile>, Duration)>| match upload {
            Err(error) => failed(&error),
            Ok((objects, took)) => {
                let of_file: Vec<FileReport> = reports.by_ref().take(objects.len()).collect();
                let sent = objects.iter().filter_map(|one| one.object.bytes);
                Outcome::Loaded(Loaded {
                    bytes: sent.reduce(|all, one| all + one),
                    rows_read: objects.iter().map(|one| one.rows.rows).sum(),
                    malformed: objects.iter().map(|one| one.rows.malformed).sum(),
                    source_files: objects.into_iter().map(|one| one.source_file).collect(),
                    counts: (!of_file.is_empty())
                        .then(|| of_file.iter().map(|one| one.counts).sum()),
                    upload_millis: took.as_millis(),
                    load_millis,
                })
            }
        };
        uploads.into_iter().map(outcome).collect()
    }

    async fn upload(
        &self,
        file: &RequestFile,
        mode: Mode,
        timeout: Duration,
    ) -> Result<Vec<StagedFile>> {
        let rejected = Arc::new(Mutex::new(RejectedRows::to(&file.rejected)));
        let writer = Arc::clone(&rejected);
        let write = move |row: &RejectedRow| {
            writer
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .add(row)
        };
        let staged = if mode == Mode::CopyAndMerge {
            let upload = self.loader.upload_merging(&file.path, timeout, write);
            upload.await?
        } else {
            self.loader.upload(&file.path, write).await?
        };
        rejected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .finish()?;
        Ok(staged)
    }

    async fn load(
        &self,
        staged: &[StagedFile],
        mode: Mode,
        deadline: Instant,
    ) -> Result<Vec<FileReport>> {
        if staged.is_empty() || mode == Mode::Snowpipe {
            return Ok(Vec::new());
        }
        let pipeline = self.loader.pipeline();
        let remaining = || deadline.saturating_duration_since(Instant::now());
        if mode == Mode::SnowpipeAwaited {
            return pipeline.wait_for_task(staged, remaining()).await;
        }
        pipeline.refresh_all(staged).await?;
        pipeline.wait_until_merged(staged, remaining()).await
    }
}

fn failed(error: &Error) -> Outcome {
    Outcome::Failed {
        kind: crate::failure::kind_name(error.kind()),
        message: error.to_string(),
    }
}

fn encode(answer: &impl Serialize) -> Result<String> {
    serde_json::to_string(answer)
        .map_err(|error| Error::bug("an answer cannot be put into JSON").with_source(error))
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
                .starts_with("the configuration is not the document that was expected"),
            "{error}"
        );
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}
