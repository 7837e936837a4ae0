//! The columns that Firn adds to the history beside the contract's, under names that a contract can change.

use std::collections::HashSet;

use serde::Deserialize;

use super::Contract;
use crate::error::{Error, Result};

/// Prefix of the columns that Firn adds to its own work tables.
const OWN_PREFIX: &str = "_firn_";

/// The names of Firn's columns in the history; the staging table also has those about a row's source.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct HistoryColumns {
    /// Start of a version's validity.
    pub valid_from: String,
    /// End of its validity; null for the current version.
    pub valid_to: String,
    /// Whether the version is current.
    pub is_current: String,
    /// The file that brought the event.
    pub source_file: String,
    /// Its row in that file.
    pub source_row: String,
    /// When that file was loaded.
    pub loaded_at: String,
    /// The columns that a partial update set; null for any other event. Contracts without partial updates have no such column.
    pub given_columns: String,
}

impl Default for HistoryColumns {
    fn default() -> Self {
        Self {
            valid_from: "valid_from".to_owned(),
            valid_to: "valid_to".to_owned(),
            is_current: "is_current".to_owned(),
            source_file: "source_file".to_owned(),
            source_row: "source_row".to_owned(),
            loaded_at: "loaded_at".to_owned(),
            given_columns: "given_columns".to_owned(),
        }
    }
}

impl HistoryColumns {
    /// Each column's key in a contract's document, and its name.
    fn named(&self, has_partial_updates: bool) -> Vec<(&'static str, &str)> {
        let given = has_partial_updates.then_some(("given_columns", self.given_columns.as_str()));
        let always: [(&'static str, &str); 6] = [
            ("valid_from", &self.valid_from),
            ("valid_to", &self.valid_to),
            ("is_current", &self.is_current),
            ("source_file", &self.source_file),
            ("source_row", &self.source_row),
            ("loaded_at", &self.loaded_at),
        ];
        always.into_iter().chain(given).collect()
    }

    /// The names of the columns.
    pub(crate) fn names(&self, has_partial_updates: bool) -> impl Iterator<Item = &str> {
        self.named(has_partial_updates)
            .into_iter()
            .map(|(_, name)| name)
    }
}

/// Checks that no two columns have the same name.
pub(super) fn check(contract: &Contract) -> Result<()> {
    let own = contract
        .history_columns()
        .named(contract.has_partial_updates());
    for name in contract.header() {
        if let Some((key, _)) = own.iter().find(|(_, own)| same(own, name)) {
            return Err(Error::config(format!(
                "column `{name}`: Firn adds a column of this name to the history. Rename the contract's column, or Firn's with \
                 `[history_columns]` and `{key} = \"OTHER_NAME\"`"
            )));
        }
    }
    let mut seen = HashSet::new();
    for (key, name) in &own {
        if !seen.insert(name.to_lowercase()) {
            return Err(Error::config(format!(
                "`history_columns`: another column is named `{name}` too: choose another name for `{key}`"
            )));
        }
    }
    for name in contract.header().chain(own.iter().map(|(_, name)| *name)) {
        let folded = name.to_lowercase();
        if folded.starts_with(OWN_PREFIX) || folded.starts_with("metadata$") {
            return Err(Error::config(format!(
                "invalid column name `{name}`: the prefixes `{OWN_PREFIX}` and `METADATA$` are reserved"
            )));
        }
    }
    Ok(())
}

fn same(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}
