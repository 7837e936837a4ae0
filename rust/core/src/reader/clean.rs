//! A copy of a file that loads without loss: a broken row stays in its place, as a row with no event but its reason and text.
//!
//! So one file, loaded once, carries both, and `rows in = history + duplicates + rejects` needs no second way in.

use std::io::{Read, Write};

use super::{BrokenRow, Piece, Reader};
use crate::contract::Contract;
use crate::error::Result;

/// What a copy holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Cleaned {
    /// Rows in all.
    pub rows: u64,
    /// Those of them that are broken.
    pub broken: u64,
}

impl Cleaned {
    /// Its rows as the tables count them.
    #[must_use]
    pub fn as_counted(&self) -> i64 {
        i64::try_from(self.rows).unwrap_or(i64::MAX)
    }
}

/// Copies `input` to `output`, telling `on_broken` every broken row.
///
/// # Errors
/// What [`Reader`] gives, and `Transient` if writing fails. The output is then not to be used.
pub fn clean(
    contract: &Contract,
    input: impl Read,
    output: &mut impl Write,
    mut on_broken: impl FnMut(&BrokenRow),
) -> Result<Cleaned> {
    let mut reader = Reader::new(contract, input)?;
    let header: Vec<String> = contract
        .header()
        .map(|name| quoted(name.as_bytes()))
        .collect();
    writeln!(output, "{}", header.join(","))?;
    let mut broken = 0;
    while let Some(piece) = reader.next()? {
        match piece {
            Piece::Rows { bytes, .. } => {
                output.write_all(bytes)?;
                if bytes.last() != Some(&b'\n') {
                    output.write_all(b"\n")?;
                }
            }
            Piece::Broken(row) => {
                on_broken(&row);
                broken += 1;
                let nothing = ",".repeat(header.len());
                writeln!(
                    output,
                    "{nothing}{},{}",
                    quoted(row.reason.as_bytes()),
                    quoted(&row.raw)
                )?;
            }
        }
    }
    Ok(Cleaned {
        rows: reader.rows(),
        broken,
    })
}

/// A field in quotes; bytes that are not UTF-8 become `\xHH`, as a text column holds only text.
fn quoted(raw: &[u8]) -> String {
    let mut text = String::from("\"");
    for chunk in raw.utf8_chunks() {
        text.push_str(&chunk.valid().replace('"', "\"\"").replace('\0', "\\x00"));
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text.push('"');
    text
}
