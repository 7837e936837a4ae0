//! A Snowglobe on ports of its own, with clients for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use firn::contract::Contract;
use firn::merge::Deployment;
use firn::pipeline::{Deadline, FileReport, LoadListener, LoadMode, Loader, Pipeline};
use firn::reader::RejectedRow;
use firn::snowflake::{Connection, ConnectionSource};
use firn::store::{AccessKey, S3Store, StoreOptions};
use snowglobe::server::{Options, Running, serve};

pub const TIMEOUT: Duration = Duration::from_secs(180);

pub struct Fixture {
    pub running: Running,
    pub folder: tempfile::TempDir,
}

impl Fixture {
    pub async fn new() -> Self {
        let options = Options {
            buckets: vec!["firn-landing".to_owned()],
            ..Options::default()
        };
        let running = serve(options).await.expect("Snowglobe starts");
        Self {
            running,
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    pub fn connection(&self, role: Option<&str>) -> Connection {
        let variables = [
            ("SNOWFLAKE_ACCOUNT", self.running.account.clone()),
            ("SNOWFLAKE_HOST", self.running.address.ip().to_string()),
            ("SNOWFLAKE_PORT", self.running.address.port().to_string()),
            ("SNOWFLAKE_PROTOCOL", "http".to_owned()),
            ("SNOWFLAKE_TOKEN", self.running.credentials.token.clone()),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        let mut connection = ConnectionSource::of(variables, Vec::new())
            .connection(None)
            .expect("a connection");
        connection.role = role.map(str::to_owned);
        connection
    }

    pub fn pipeline(&self, role: Option<&str>) -> Pipeline {
        Pipeline::new(
            Contract::customer(),
            Deployment::default(),
            self.connection(role),
        )
        .expect("a pipeline")
    }

    pub async fn loader(&self) -> Loader {
        let credentials = &self.running.credentials;
        let key = AccessKey {
            id: credentials.s3_access_key_id.clone(),
            secret: credentials.s3_secret_access_key.clone(),
        };
        let options = StoreOptions {
            endpoint: Some(self.running.s3_url()),
            access_key: Some(key),
            ..StoreOptions::default()
        };
        let pipeline = self.pipeline(Some("FIRN_LOADER"));
        let store = S3Store::open(pipeline.location().expect("a bucket"), options).await;
        pipeline.with_store(store)
    }

    pub fn file(&self, name: &str, rows: &[&str]) -> PathBuf {
        let path = self.folder.path().join(name);
        let header: Vec<String> = Contract::customer().header().map(str::to_owned).collect();
        std::fs::write(
            &path,
            format!("{}\n{}\n", header.join(","), rows.join("\n")),
        )
        .expect("a file");
        path
    }
}

pub fn row(op: &str, id: u32, city: &str, at: &str) -> String {
    format!("{op},{id},Ann,Lee,ann@example.com,,1 Main St,{city},IL,62704,US,{at},1")
}

pub fn counts(result: &FileReport) -> [i64; 4] {
    [
        result.counts.rows_in,
        result.counts.history,
        result.counts.duplicates,
        result.counts.rejects,
    ]
}

/// Loads and merges files; returns their reports, or the first error.
pub async fn put(loader: &Loader, files: &[PathBuf]) -> firn::Result<Vec<FileReport>> {
    put_heard(loader, files, Arc::new(())).await
}

/// The same, with a listener.
pub async fn put_heard(
    loader: &Loader,
    files: &[PathBuf],
    listener: Arc<dyn LoadListener>,
) -> firn::Result<Vec<FileReport>> {
    let deadline = Deadline::AfterUpload(TIMEOUT);
    let outcomes = loader
        .load(files, LoadMode::CopyAndMerge, deadline, listener)
        .await;
    let mut reports = Vec::new();
    for outcome in outcomes {
        reports.extend(outcome?.reports);
    }
    Ok(reports)
}

/// Calls a function for every malformed row.
pub struct OnRejected<F>(pub F);

impl<F: Fn(&RejectedRow) + Send + Sync> LoadListener for OnRejected<F> {
    fn row_rejected(&self, _file: usize, row: &RejectedRow) {
        (self.0)(row);
    }
}
