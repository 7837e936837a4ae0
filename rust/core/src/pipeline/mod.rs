//! The way from a file to the tables, end to end, and what can be asked of the tables afterwards.
//!
//! | file | what |
//! | --- | --- |
//! | `bootstrap` | make every object of a contract, or take them down |
//! | `upload` | a file into the bucket: checked, once, a large one as several objects |
//! | `put` | files all the way: uploaded, shown to the pipe, merged |
//! | `arrival` | until its rows are in the tables, and what became of them |
//! | `merge` | call the procedures |
//! | `status` | how far behind, how many rows, the sum |
//! | `history` | the versions of one key; the table as it was |
//! | `verify` | the promises, checked on the live tables |
//! | `fit` | whether the tables have the contract's columns |
//! | `doctor` | what is missing, and its cure |
//!
//! It joins the other modules and holds no SQL of the merge itself.

mod arrival;
mod bootstrap;
mod doctor;
mod fit;
mod history;
mod merge;
mod put;
mod status;
mod upload;
mod verify;

pub use arrival::FileResult;
pub use bootstrap::Progress;
pub use doctor::Finding;
pub use history::Version;
pub use merge::Merged;
pub use put::AT_ONCE;
pub use status::{Run, Status, Sum};
pub use upload::{Advance, Arrived};
pub use verify::Promise;

use crate::contract::Contract;
use crate::merge::{Names, Site};
use crate::snowflake::{Client, Connection};
use crate::store::S3Store;

/// A contract at a site, and the ways to it.
#[derive(Clone, Debug)]
pub struct Pipeline {
    contract: Contract,
    site: Site,
    names: Names,
    client: Client,
}

impl Pipeline {
    /// Joins a contract, a site and a connection; the connection's own database and schema give way to the site's.
    ///
    /// # Errors
    /// `Config` if the connection cannot be set up.
    pub fn new(contract: Contract, site: Site, mut connection: Connection) -> crate::Result<Self> {
        connection.database = Some(site.database.stored());
        connection.schema = Some(site.schema.stored());
        connection
            .warehouse
            .get_or_insert_with(|| site.warehouse.stored());
        let names = Names::of(&contract);
        Ok(Self {
            client: Client::new(connection)?,
            contract,
            site,
            names,
        })
    }

    /// The same pipeline, whose calls to Snowflake are given up after `patience`.
    #[must_use]
    pub fn with_patience(mut self, patience: std::time::Duration) -> Self {
        self.client = self.client.with_patience(patience);
        self
    }

    /// What is merged.
    #[must_use]
    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    /// Where.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
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
    /// `Config` if the site's storage is no bucket.
    pub fn location(&self) -> crate::Result<crate::store::Location> {
        crate::store::Location::parse(&self.site.storage.folder(self.contract.table()))
    }

    /// The pipeline with a bucket, ready to take files.
    #[must_use]
    pub fn with_store(&self, store: S3Store) -> Intake {
        Intake {
            pipeline: self.clone(),
            store,
            observer: upload::Observer::default(),
            object_bytes: upload::OBJECT_BYTES,
        }
    }
}

/// A pipeline that takes files.
#[derive(Clone, Debug)]
pub struct Intake {
    pipeline: Pipeline,
    store: S3Store,
    observer: upload::Observer,
    object_bytes: usize,
}

impl Intake {
    /// The same, whose calls to Snowflake are given up after `patience`.
    #[must_use]
    pub fn with_patience(mut self, patience: std::time::Duration) -> Self {
        self.pipeline = self.pipeline.with_patience(patience);
        self
    }

    /// The same, which tells how far its files are.
    #[must_use]
    pub fn with_progress(mut self, on_advance: impl Fn(Advance) + Send + Sync + 'static) -> Self {
        self.observer = upload::Observer::new(on_advance);
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
