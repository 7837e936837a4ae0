//! Reads the files that a run left in its folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn every_name(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The names that a watcher sees, in order.
pub fn names(folder: &Path) -> Vec<String> {
    every_name(folder)
        .into_iter()
        .filter(|name| !name.starts_with('.'))
        .collect()
}

/// The incomplete files.
pub fn parts(folder: &Path) -> Vec<String> {
    every_name(folder)
        .into_iter()
        .filter(|name| name.starts_with('.'))
        .collect()
}

/// The files of customers, in the stream's order.
pub fn customers(folder: &Path) -> Vec<PathBuf> {
    let names = names(folder)
        .into_iter()
        .filter(|name| name.starts_with("customers-"));
    names.map(|name| folder.join(name)).collect()
}

/// Every file's bytes by its name.
pub fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    names(folder)
        .into_iter()
        .map(|name| (name.clone(), fs::read(folder.join(name)).unwrap()))
        .collect()
}
