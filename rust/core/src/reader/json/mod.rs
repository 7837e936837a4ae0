//! JSON, one object per line: plain rows, or change events of Debezium.
//!
//! | file | what |
//! | --- | --- |
//! | `plan` | the columns of an object's keys |
//! | `object` | one line: the positions of its values |
//! | `schema` | the meaning of a value by Debezium's schema |
//! | `rows` | the rows |

mod object;
mod plan;
mod rows;
mod schema;

pub(super) use rows::Rows;

use crate::contract::{Contract, Format};
use crate::error::{Error, Result};

/// Whether a file that begins with `head` holds rows or events of Debezium.
///
/// # Errors
/// `Config` if its objects span lines.
pub(super) fn format_of(head: &[u8], contract: &Contract) -> Result<Format> {
    let text = head.trim_ascii_start();
    let end = memchr::memchr(b'\n', text);
    let line = text[..end.unwrap_or(text.len())].trim_ascii_end();
    if line == b"{" {
        return Err(Error::config(
            "file is JSON over several lines: write one object a line, as `jq -c .` does",
        ));
    }
    let keys = object::keys(line);
    let has = |key: &str| keys.iter().any(|one| one == key);
    let is_column = |name: &str| {
        contract
            .columns()
            .iter()
            .zip(&contract.source().columns)
            .any(|(column, origin)| {
                origin
                    .from
                    .as_deref()
                    .unwrap_or(&column.name)
                    .eq_ignore_ascii_case(name)
            })
    };
    let is_event =
        has("op") && (has("after") || has("before")) && !is_column("after") && !is_column("before");
    let is_wrapped = has("payload") && has("schema") && !is_column("payload");
    Ok(if is_event || is_wrapped {
        Format::Debezium
    } else {
        Format::JsonLines
    })
}

#[cfg(test)]
mod tests;
