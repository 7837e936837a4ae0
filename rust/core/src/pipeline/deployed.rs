//! Reads the version of the deployed objects, so that a file for other ones is rejected before it is uploaded.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::merge::call_for;
use super::{Loader, Pipeline};
use crate::error::Result;
use crate::merge::{Identifier, prefix_name, version};
use crate::store::Location;

/// The contract and the deployment of the objects.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub(super) struct Deployed {
    /// The URL of the contract's folder in the stage.
    pub stage_url: String,
    /// The version of the contract.
    pub contract: String,
    /// The key's columns.
    pub key: Vec<String>,
    /// The ordering columns.
    pub order: Vec<String>,
}

impl Pipeline {
    /// Reads the objects' own description.
    ///
    /// # Errors
    /// `Config` if the role may not call the procedure, or nothing is deployed.
    pub(super) async fn deployed(&self, role: Option<&Identifier>) -> Result<Deployed> {
        let report = &self.names.report;
        let mut call = call_for(report, &BTreeSet::new());
        if let Some(role) = role {
            call = call.role(role.stored());
        }
        self.result_of(report, call).await
    }

    /// Why the deployed objects would not load files of this contract from this folder.
    pub(super) fn mismatch(&self, deployed: &Deployed, location: &Location) -> Option<String> {
        let (table, names) = (self.contract.table(), &self.names);
        let url = format!("s3://{}/{}", location.bucket, location.prefix);
        if !is_same_folder(&deployed.stage_url, &url) {
            let folder = prefix_name(table);
            let stage_url = deployed.stage_url.trim_end_matches('/');
            let stage_url = stage_url.strip_suffix(&folder).unwrap_or(stage_url);
            return Some(format!(
                "stage {} reads {}, but files would be uploaded to {url}: use `--stage-url {stage_url}`, or move the stage: `firn doctor` says how",
                names.stage, deployed.stage_url
            ));
        }
        (deployed.contract != version(&self.contract)).then(|| {
            format!(
                "the objects of {table} in {}.{} were made for another version of the contract: run `firn bootstrap` with this one, or use the other",
                self.deployment.database, self.deployment.schema
            )
        })
    }
}

impl Loader {
    /// Why the deployed objects would not load uploaded files; none if they would, which is then not checked again.
    ///
    /// # Errors
    /// As [`Pipeline::deployed`].
    pub(super) async fn deployed_mismatch(&self) -> Result<Option<String>> {
        if self.checked.get().is_some() {
            return Ok(None);
        }
        let deployed = self.pipeline.deployed(None).await?;
        let mismatch = self.pipeline.mismatch(&deployed, self.store.location());
        if mismatch.is_none() {
            // Another task may have set it meanwhile.
            let _ = self.checked.set(());
        }
        Ok(mismatch)
    }
}

/// Whether two URLs name one folder.
pub(super) fn is_same_folder(left: &str, right: &str) -> bool {
    left.trim_end_matches('/') == right.trim_end_matches('/')
}
