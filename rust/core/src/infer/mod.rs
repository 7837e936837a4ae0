//! A contract from a file: the dialect, names, types and roles of its columns, each with the evidence for it.
//!
//! | file | what |
//! | --- | --- |
//! | `sample` | the first rows of a file, as names and texts |
//! | `evidence` | what the values of one column look like |
//! | `roles` | which columns are the operation, the key and the order |
//! | `document` | the contract as commented TOML |
//!
//! It only makes proposals: a person reviews the document before it is used.

mod document;
mod evidence;
mod roles;
mod sample;

use std::fs::File;
use std::path::Path;

use crate::error::{Context, Result};

use sample::Sample;

/// Hints from the caller.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// The table's name; the file's name by default.
    pub table: Option<String>,
    /// The key's columns; inferred from names and values by default.
    pub key: Vec<String>,
    /// The ordering columns; inferred from names and types by default.
    pub order: Vec<String>,
}

/// The number of bytes of a file that are sampled.
pub const SAMPLE_BYTES: u64 = 64 << 20;

/// A commented contract for a file; only the beginning of a large one is sampled.
///
/// # Errors
/// `Config` for a file that holds no rows of text, or for a hint that names no column of it.
pub fn contract(path: &Path, hints: &Hints) -> Result<String> {
    let place = || path.display().to_string();
    let file = File::open(path).context(place)?;
    let sample = Sample::of(file, SAMPLE_BYTES).context(place)?;
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let roles = roles::of(&sample, hints).context(place)?;
    let table = hints.table.clone().unwrap_or_else(|| table_name(&name));
    Ok(document::render(&name, &table, &sample, &roles))
}

/// `2026-orders.v2.csv.gz` gives the table `ORDERS_V2`.
fn table_name(file: &str) -> String {
    let mut stem = file;
    let endings = [
        ".gz", ".zst", ".bz2", ".xz", ".zip", ".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson",
    ];
    while let Some(rest) = endings.iter().find_map(|ending| stem.strip_suffix(ending)) {
        stem = rest;
    }
    let words: Vec<String> = stem
        .split(|one: char| !one.is_alphanumeric())
        .filter(|word| !word.is_empty() && !word.chars().all(|one| one.is_ascii_digit()))
        .map(str::to_uppercase)
        .collect();
    if words.is_empty() {
        "MY_TABLE".to_owned()
    } else {
        words.join("_")
    }
}

#[cfg(test)]
mod tests;
