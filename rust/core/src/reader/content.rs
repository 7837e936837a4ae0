//! Detects the content of a file by its first bytes: certain formats are read, any other is rejected by its name.

use crate::contract::Format;
use crate::error::{Error, Result};

/// First bytes of files without rows of text, their kinds, and the fixes.
const KINDS: [(&[u8], &str, &str); 15] = [
    (
        b"PK\x03\x04",
        "a zip archive within another archive",
        "unpack it",
    ),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Excel workbook (xls)",
        "save the sheet as CSV",
    ),
    (b"%PDF", "a PDF document", "export the table as CSV"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"),
    (b"Rar!", "a rar archive", "unpack it"),
    (
        b"\x04\x22\x4d\x18",
        "lz4 data",
        "unpack it, or compress it with gzip or zstd",
    ),
    (
        b"\x1f\x9d",
        "data of the old `compress`",
        "unpack it, or compress it with gzip",
    ),
    (b"Obj\x01", "an Avro file", "export it as JSON lines or CSV"),
    (b"PAR1", "Parquet", "export it as JSON lines or CSV"),
    (b"ORC", "an ORC file", "export it as JSON lines or CSV"),
    (b"ARROW1", "an Arrow file", "export it as JSON lines or CSV"),
    (
        b"SQLite format 3\0",
        "a SQLite database",
        "export the table as CSV",
    ),
    (
        b"PGDMP",
        "a dump of pg_dump",
        "export the table with COPY … TO … CSV",
    ),
    (b"\x89PNG", "a picture", "name the right file"),
    (b"\x7fELF", "a program", "name the right file"),
];

/// The format of a file that begins with `head`; `said` is the format in the contract, and `is_text` whether the encoding is known.
///
/// # Errors
/// `Config` if the file cannot hold rows, with its kind.
pub(super) fn format_of(head: &[u8], is_text: bool, said: Option<Format>) -> Result<Format> {
    if !is_text {
        let known = KINDS.iter().find(|(magic, ..)| head.starts_with(magic));
        if let Some((_, kind, fix)) = known {
            return Err(refused(kind, fix));
        }
        if head.get(257..262) == Some(b"ustar") {
            return Err(refused("a tar archive", "unpack it, one file each"));
        }
        if let Some(encoding) = wide(head) {
            return Err(refused(
                &format!("{} without a byte order mark", encoding.to_uppercase()),
                &format!("put `encoding = \"{encoding}\"` under [source] in the contract"),
            ));
        }
    }
    if said == Some(Format::Csv) {
        return Ok(Format::Csv);
    }
    let text = head.trim_ascii_start();
    match text.first() {
        Some(b'{') => Ok(Format::JsonLines),
        // Debezium's tombstone of a deleted key.
        Some(b'n') if text.starts_with(b"null\n") => Ok(Format::JsonLines),
        Some(b'[') => Err(refused(
            "a JSON list",
            "write one object a line, as `jq -c '.[]'` does",
        )),
        Some(b'<') => {
            let start = text[..text.len().min(1024)].to_ascii_lowercase();
            let has = |part: &[u8]| memchr::memmem::find(&start, part).is_some();
            Err(
                if has(b"<html") || has(b"<!doctype html") || has(b"<head") {
                    refused(
                        "an HTML page, such as a login or error page",
                        "download the file again",
                    )
                } else {
                    refused("XML", "export the rows as CSV or JSON lines")
                },
            )
        }
        _ => Ok(Format::Csv),
    }
}

fn refused(kind: &str, fix: &str) -> Error {
    Error::config(format!("file is {kind}: {fix}"))
}

/// Detects UTF-16 by zeros in every second byte of the beginning.
fn wide(head: &[u8]) -> Option<&'static str> {
    let head = &head[..head.len().min(200) & !1];
    let zeros = |parity: usize| {
        head.iter()
            .skip(parity)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
            * 2
    };
    let most = head.len() * 9 / 10;
    if head.len() < 8 {
        None
    } else if zeros(1) >= most && zeros(0) == 0 {
        Some("utf-16le")
    } else if zeros(0) >= most && zeros(1) == 0 {
        Some("utf-16be")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_file_is_detected_by_its_first_bytes() {
        let refusal = |head: &[u8]| format_of(head, false, None).unwrap_err().to_string();
        assert_eq!(format_of(b"op,id\n", false, None).unwrap(), Format::Csv);
        assert_eq!(
            format_of(b"\n {\"op\":1}", false, None).unwrap(),
            Format::JsonLines
        );
        assert_eq!(
            refusal(b"PAR1...."),
            "file is Parquet: export it as JSON lines or CSV"
        );
        assert!(refusal(b"<!DOCTYPE html><html>").starts_with("file is an HTML page"));
        assert!(refusal(b"<?xml version=\"1.0\"?><rows/>").starts_with("file is XML"));
        assert!(refusal(b"[{\"op\":1}]").starts_with("file is a JSON list"));
        assert_eq!(
            refusal(b"o\0p\0,\0i\0d\0\n\0"),
            "file is UTF-16LE without a byte order mark: put `encoding = \"utf-16le\"` under [source] in the contract"
        );
        assert!(refusal(b"\0o\0p\0,\0i\0d\0\n").contains("utf-16be"));
        assert_eq!(format_of(b"o\0p\0", false, None).unwrap(), Format::Csv);
    }
}
