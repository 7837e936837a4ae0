//! The way from a file to the tables, end to end, and what can be asked of the tables afterwards.
//!
//! | file | what |
//! | --- | --- |
//! | `bootstrap` | make every object of a contract, or take them down |
//! | `setup` | the steps of a new account, and whom AWS has to trust |
//! | `upload` | a file into the bucket: checked, once, a large one as several objects |
//! | `load` | files all the way: uploaded, loaded, merged |
//! | `wait` | until its rows are in the tables, and a report of them |
//! | `merge` | call the procedures |
//! | `status` | how far behind, how many rows, the sum |
//! | `history` | the versions of one key; the table as it was |
//! | `reconcile` | compare the whole target with the open history |
//! | `rejects` | what stands in the rejects, by reason |
//! | `retry` | rejected rows that are valid now, sent again |
//! | `verify` | the promises, checked on the live tables |
//! | `deployed` | whether the objects are the ones that a file is meant for |
//! | `collisions` | whether another contract needs the same names |
//! | `schema_check` | whether the tables have the contract's columns |
//! | `doctor` | what is missing, and its fix |
//!
//! It joins the other modules and holds no SQL of the merge itself.

mod bootstrap;
mod collisions;
mod deployed;
mod doctor;
mod history;
mod load;
mod merge;
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

/// A contract at a deployment, and the ways to it.
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

    /// The same pipeline, whose calls to Snowflake are given up after `timeout`.
    #[must_use]
    pub fn with_timeout(mut self, timeout: std::time::Duration) -> Self {
        self.client = self.client.with_timeout(timeout);
        self
    }

    /// What is merged.
    #[must_use]
    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    /// Where.
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

    /// Where the contract's files land.
    ///
    /// # Errors
    /// `Config` if the deployment's stage URL is invalid.
    pub fn location(&self) -> crate::Result<crate::store::Location> {
        crate::store::Location::parse(&self.deployment.storage.table_url(self.contract.table()))
    }

    /// The pipeline with a bucket, ready to take files.
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

/// A pipeline that takes files.
#[derive(Clone, Debug)]
pub struct Loader {
    pipeline: Pipeline,
    store: S3Store,
    object_bytes: usize,
    /// Filled once the deployed objects are known to be the right ones.
    checked: Arc<OnceLock<()>>,
}

impl Loader {
    /// The same, whose calls to Snowflake are given up after `timeout`.
    #[must_use]
    pub fn with_timeout(mut self, timeout: std::time::Duration) -> Self {
        self.pipeline = self.pipeline.with_timeout(timeout);
        self
    }

    /// The same, for which a file is large, and becomes several objects, from so many bytes on.
    #[must_use]
    pub fn with_object_bytes(mut self, most: usize) -> Self {
        self.object_bytes = most;
        self
    }

    /// The pipeline behind it.
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
