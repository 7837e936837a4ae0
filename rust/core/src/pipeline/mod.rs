//! Loads files into the tables, end to end, and queries the tables afterwards.
//!
//! | file | what |
//! | --- | --- |
//! | `bootstrap` | create every object of a contract, or drop them |
//! | `setup` | the steps of a new account, and the trust that AWS has to grant |
//! | `input` | a file on the disk, or content that the caller holds |
//! | `upload` | check a file and upload it once, a large one as several objects |
//! | `load` | upload, load and merge files |
//! | `wait` | wait until a file's rows are in the tables, and report them |
//! | `merge` | call the procedures |
//! | `pipe` | the pipe's status, and its replacement by one of this version |
//! | `status` | lag, row counts, the sum |
//! | `history` | the versions of one key; the table as of a time |
//! | `reconcile` | compare the whole target with the open history |
//! | `rejects` | the open rejects, by reason |
//! | `retry` | send rejected rows again that are valid now |
//! | `verify` | check the promises on the live tables |
//! | `deployed` | check that the deployed objects match a file's contract |
//! | `collisions` | check that no other contract needs the same names |
//! | `schema_check` | check that the tables have the contract's columns |
//! | `doctor` | check the setup, with a fix for each problem |
//!
//! It joins the other modules; the SQL of the merge itself is in `merge`.

mod bootstrap;
mod collisions;
mod deployed;
mod doctor;
mod history;
mod input;
mod load;
mod merge;
mod pipe;
mod reconcile;
mod rejects;
mod retry;
mod schema_check;
mod setup;
mod status;
mod upload;
mod verify;
mod wait;

pub use bootstrap::ScriptProgress;
pub use doctor::Finding;
pub use history::Version;
pub use input::{Content, InputFile, Stamp};
pub use load::{Deadline, LoadMode, Loaded, Outcome};
pub use merge::{MergeReport, RowCounts};
pub use reconcile::{ManualChange, Reconciled};
pub use rejects::{OpenReject, OpenRejects, ReasonCount, RejectFilter};
pub use retry::Retried;
pub use setup::{Setup, SetupStep, Trust};
pub use status::{RowSum, Run, Status};
pub use upload::{LoadListener, READS_PER_FILE, StagedFile, content_hash};
pub use verify::Promise;
pub use wait::FileReport;

use std::sync::{Arc, OnceLock};

use crate::contract::Contract;
use crate::merge::{Deployment, Names};
use crate::snowflake::{Client, Connection};
use crate::store::S3Store;

/// A contract, its deployment and a connection.
#[derive(Clone, Debug)]
pub struct Pipeline {
    contract: Contract,
    deployment: Deployment,
    names: Names,
    client: Client,
}

impl Pipeline {
    /// Joins a contract, a deployment and a connection; the deployment's database and schema override the connection's.
    ///
    /// # Errors
    /// `Config` if the connection cannot be set up.
    pub fn new(
        contract: Contract,
        deployment: Deployment,
        mut connection: Connection,
    ) -> crate::Result<Self> {
        connection.database = Some(deployment.database.stored());
        connection.schema = Some(deployment.schema.stored());
        connection
            .warehouse
            .get_or_insert_with(|| deployment.warehouse.stored());
        let names = Names::of(&contract);
        Ok(Self {
            client: Client::new(connection)?,
            contract,
            deployment,
            names,
        })
    }

    /// The same pipeline, with a timeout for calls to Snowflake.
    #[must_use]
    pub fn with_timeout(mut self, timeout: std::time::Duration) -> Self {
        self.client = self.client.with_timeout(timeout);
        self
    }

    /// The contract.
    #[must_use]
    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    /// The deployment.
    #[must_use]
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// The names of its objects.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The connection to Snowflake.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The bucket folder of the contract's files.
    ///
    /// # Errors
    /// `Config` if the deployment's stage URL is invalid.
    pub fn location(&self) -> crate::Result<crate::store::Location> {
        crate::store::Location::parse(&self.deployment.storage.table_url(self.contract.table()))
    }

    /// The pipeline with a bucket, ready to load files.
    #[must_use]
    pub fn with_store(&self, store: S3Store) -> Loader {
        Loader {
            pipeline: self.clone(),
            store,
            object_bytes: upload::OBJECT_BYTES,
            checked: Arc::default(),
        }
    }
}

/// A pipeline that loads files.
#[derive(Clone, Debug)]
pub struct Loader {
    pipeline: Pipeline,
    store: S3Store,
    object_bytes: usize,
    /// Set once the deployed objects are known to match.
    checked: Arc<OnceLock<()>>,
}

impl Loader {
    /// The same, with a timeout for calls to Snowflake.
    #[must_use]
    pub fn with_timeout(mut self, timeout: std::time::Duration) -> Self {
        self.pipeline = self.pipeline.with_timeout(timeout);
        self
    }

    /// The same, with another size above which a file is split into several objects.
    #[must_use]
    pub fn with_object_bytes(mut self, most: usize) -> Self {
        self.object_bytes = most;
        self
    }

    /// The pipeline.
    #[must_use]
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The bucket's folder.
    #[must_use]
    pub fn store(&self) -> &S3Store {
        &self.store
    }
}
