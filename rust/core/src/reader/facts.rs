//! What is known about a file beside its content.

use std::time::SystemTime;

/// What is known about a file beside its content.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileFacts<'a> {
    /// Its name, without a folder.
    pub name: Option<&'a str>,
    /// When it was last modified.
    pub modified: Option<SystemTime>,
}
