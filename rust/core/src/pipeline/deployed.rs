//! What the deployed objects say of themselves, so that a file for other ones is refused before it is uploaded.

use serde::Deserialize;

use super::{Loader, Pipeline};
use crate::error::{Error, Result};
use crate::merge::{Identifier, prefix_name, version};
use crate::snowflake::Statement;
use crate::store::Location;

/// How the objects were made.
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
    /// What the objects say of themselves.
    ///
    /// # Errors
    /// `Config` if the role may not ask, or nothing is deployed.
    pub(super) async fn deployed(&self, role: Option<&Identifier>) -> Result<Deployed> {
        let report = &self.names.report;
        let mut call = Statement::new(format!("call {report}(parse_json('[]')::array)"));
        if let Some(role) = role {
            call = call.role(role.stored());
        }
        let rows = self.client.run(call).await?;
        let text = rows.first().unwrap_or_default();
        serde_json::from_str(text).map_err(|error| {
            Error::config(format!(
                "unexpected result `{text}` of {report}: run `firn bootstrap`"
            ))
            .with_source(error)
        })
    }

    /// Why files of this contract, uploaded to this folder, would not end in the tables.
    pub(super) fn mismatch(&self, deployed: &Deployed, location: &Location) -> Option<String> {
        let (table, names) = (self.contract.table(), &self.names);
        let url = format!("s3://{}/{}", location.bucket, location.prefix);
        if !is_same_folder(&deployed.stage_url, &url) {
            let folder = prefix_name(table);
            let stage_url = deployed.stage_url.trim_end_matches('/');
            let stage_url = stage_url.strip_suffix(&folder).unwrap_or(stage_url);
            return Some(format!(
                "stage {} reads {}, but files would be uploaded to {url}: use `--stage-url {stage_url}`, or run `firn bootstrap` with the other URL",
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
    /// Whether files that are uploaded will end in the tables. What is known to be right is not asked again.
    ///
    /// # Errors
    /// `Config` if they will not; if that cannot be asked, what the client gives, unless the files are to be uploaded all the same.
    pub(super) async fn check_deployed(&self, upload_unasked: bool) -> Result<()> {
        let check = async {
            let deployed = match self.pipeline.deployed(None).await {
                Err(_) if upload_unasked => return Ok(()),
                deployed => deployed?,
            };
            match self.pipeline.mismatch(&deployed, self.store.location()) {
                Some(mismatch) => Err(Error::config(mismatch)),
                None => Ok(()),
            }
        };
        self.checked.get_or_try_init(|| check).await?;
        Ok(())
    }
}

fn is_same_folder(left: &str, right: &str) -> bool {
    left.trim_end_matches('/') == right.trim_end_matches('/')
}
