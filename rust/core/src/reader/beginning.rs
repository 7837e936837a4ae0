//! The beginning of a file as text, for inferring a contract.

use std::fs::File;
use std::io::Read;

use super::container::decoded;
use super::content;
use super::text::Text;
use crate::contract::Format;
use crate::error::Result;

/// The beginning of a file.
pub(crate) struct Beginning {
    /// The text, decompressed, and decoded if there is a byte order mark.
    pub text: Vec<u8>,
    pub format: Format,
    /// Whether it is the whole file.
    pub is_whole: bool,
}

/// Reads at most `most` bytes of a file's text.
///
/// # Errors
/// `Config` if the file cannot hold rows of text, with its kind.
pub(crate) fn beginning(file: File, most: u64) -> Result<Beginning> {
    let mut source = Text::open(decoded(file, |_| {})?, None)?;
    let format = content::format_of(source.head(), source.is_decoded(), None)?;
    let mut text = Vec::new();
    source.by_ref().take(most).read_to_end(&mut text)?;
    let mut next = [0];
    let is_whole = source.read(&mut next)? == 0;
    Ok(Beginning {
        text,
        format,
        is_whole,
    })
}
