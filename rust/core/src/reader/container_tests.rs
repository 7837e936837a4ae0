//! Tests of compressed and encoded files: which are read, and which are rejected by their kind.

use std::io::{Read, Write};

use super::container::decompressed;
use crate::error::{ErrorKind, Result};

fn read(bytes: Vec<u8>) -> Result<String> {
    let mut text = String::new();
    decompressed(Box::new(std::io::Cursor::new(bytes)))?.read_to_string(&mut text)?;
    Ok(text)
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(text: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        writer
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// `op,id\n`, compressed by xz(1).
const XZ: &[u8] = &[
    0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21, 0x01,
    0x16, 0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0x01, 0x00, 0x05, 0x6f, 0x70, 0x2c, 0x69, 0x64,
    0x0a, 0x00, 0x00, 0x00, 0xa9, 0xc5, 0x63, 0x33, 0x27, 0xb5, 0xda, 0xc8, 0x00, 0x01, 0x1e, 0x06,
    0xc1, 0x2f, 0xa4, 0x1d, 0x1f, 0xb6, 0xf3, 0x7d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a,
];

#[test]
fn every_container_is_detected_by_its_first_bytes() {
    let text = "op,id\n";
    let two = [gzip(b"op,"), gzip(b"id\n")].concat();
    for bytes in [
        text.as_bytes().to_vec(),
        gzip(text.as_bytes()),
        two,
        gzip(&gzip(text.as_bytes())),
        bzip2(text.as_bytes()),
        zstd::encode_all(text.as_bytes(), 1).unwrap(),
        XZ.to_vec(),
        zip(&[
            ("folder/", ""),
            ("in.csv", text),
            ("__MACOSX/._in.csv", "x"),
        ]),
    ] {
        assert_eq!(read(bytes).unwrap(), text);
    }
}

#[test]
fn zeros_after_gzip_data_are_padding_and_anything_else_is_not() {
    let padded = [gzip(b"op\n"), vec![0; 70_000]].concat();
    assert_eq!(read(padded).unwrap(), "op\n");
    let error = read([gzip(b"op\n"), b"\nEOF MARK\n".to_vec()].concat()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(
        error
            .to_string()
            .contains("other data follows the compressed data"),
        "{error}"
    );
}

#[test]
fn an_archive_must_have_one_file_and_not_be_a_workbook() {
    let refusal = |files: &[(&str, &str)]| read(zip(files)).unwrap_err().to_string();
    assert!(
        refusal(&[("a.csv", "x"), ("b.csv", "y")])
            .starts_with("file is a zip archive of 2 files (a.csv, b.csv): unpack it")
    );
    assert!(refusal(&[]).starts_with("file is a zip archive of 0 files"));
    assert!(
        refusal(&[("[Content_Types].xml", ""), ("xl/workbook.xml", "")])
            .starts_with("file is an Excel workbook (xlsx)")
    );
    let mut damaged = zip(&[("a.csv", "op,id\n")]);
    let at = damaged
        .windows(2)
        .position(|pair| pair == b"op")
        .unwrap_or(40);
    damaged[at] ^= 1;
    assert_eq!(read(damaged).unwrap_err().kind(), ErrorKind::Rejected);
}
