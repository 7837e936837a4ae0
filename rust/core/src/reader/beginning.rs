//! The beginning of a file as text, for those who look at it before there is a contract.

use std::fs::File;
use std::io::Read;

use super::container::decoded;
use super::content;
use super::text::Text;
use crate::contract::Format;
use crate::error::Result;

/// What a file begins with.
pub(crate) struct Beginning {
    /// Unpacked, and decoded where a byte order mark says how.
    pub text: Vec<u8>,
    pub format: Format,
    /// Whether that is all of the file.
    pub is_whole: bool,
}

/// Reads at most so many bytes of a file's text.
///
/// # Errors
/// `Config` if no rows of text can be in it, with what it is.
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
