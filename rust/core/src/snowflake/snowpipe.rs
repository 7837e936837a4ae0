//! Snowpipe's REST API: notifies a pipe of files, and reads its load report.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::client::Client;
use super::transport::Call;
use crate::error::{Error, Result};

/// The maximum number of files in one call to a pipe.
const MAX_FILES: usize = 5000;

/// The load report of a file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct FileReport {
    /// Its path within the stage.
    pub path: String,
    /// Its load status.
    pub status: FileState,
    /// Rows loaded.
    #[serde(default)]
    pub rows_inserted: u64,
    /// Rows that the loader could not read.
    #[serde(default)]
    pub errors_seen: u64,
    /// The first of their errors.
    pub first_error: Option<String>,
}

/// The load status of a file.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FileState {
    /// The load is in progress.
    LoadInProgress,
    /// Every row is loaded.
    Loaded,
    /// No row is loaded.
    LoadFailed,
    /// Some rows are loaded.
    PartiallyLoaded,
}

#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    files: Vec<FileReport>,
}

impl Client {
    /// Notifies `pipe` (database.schema.name) of files, by their paths within its stage. A file named twice is loaded once.
    ///
    /// # Errors
    /// `Config` if the pipe is missing or may not be used.
    pub async fn insert_files(&self, pipe: &str, files: &[String]) -> Result<()> {
        for files in files.chunks(MAX_FILES) {
            let body = json!({"files": files.iter().map(|path| json!({"path": path})).collect::<Vec<_>>()});
            let path = format!("/v1/data/pipes/{pipe}/insertFiles");
            let reply = self
                .transport
                .send(&Call {
                    method: Method::POST,
                    path: &path,
                    query: &[],
                    body: Some(&body),
                })
                .await?;
            if !reply.status.is_success() {
                return Err(refused(pipe, reply.status.as_u16(), &reply.body));
            }
        }
        Ok(())
    }

    /// The load report of the pipe's latest files: at most 10,000, of the last ten minutes.
    ///
    /// # Errors
    /// `Config` if the pipe is missing or may not be seen.
    pub async fn insert_report(&self, pipe: &str) -> Result<Vec<FileReport>> {
        let path = format!("/v1/data/pipes/{pipe}/insertReport");
        let reply = self
            .transport
            .send(&Call {
                method: Method::GET,
                path: &path,
                query: &[],
                body: None,
            })
            .await?;
        if !reply.status.is_success() {
            return Err(refused(pipe, reply.status.as_u16(), &reply.body));
        }
        let report: Report = serde_json::from_value(reply.body).map_err(|error| {
            Error::transient(format!("unexpected response of pipe {pipe}: {error}"))
        })?;
        Ok(report.files)
    }
}

fn refused(pipe: &str, status: u16, body: &serde_json::Value) -> Error {
    let message = body["message"].as_str().unwrap_or("no message");
    let text = format!(
        "pipe {pipe}: {message} ({status}): check that it exists and that the role has OPERATE on it"
    );
    if matches!(status, 401 | 403 | 404) {
        Error::config(text)
    } else {
        Error::rejected(text)
    }
}
