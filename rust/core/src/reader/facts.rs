//! The name and the time of a file.

use std::time::SystemTime;

/// The name and the time of a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileFacts<'a> {
    /// Its name, without a folder.
    pub name: Option<&'a str>,
    /// When it was last modified.
    pub modified: Option<SystemTime>,
}
