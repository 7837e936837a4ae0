//! Zip archives, whose index is at their end: they are copied to a temporary file first.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::CrcReader;
use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use crate::error::{Error, Result};

/// An unnamed temporary file with all of `input`.
pub(super) fn spooled(mut input: impl Read) -> Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut input, &mut file)?;
    file.rewind()?;
    Ok(file)
}

/// The content of an archive's one file.
///
/// # Errors
/// `Config` if it has no file or several, or is a workbook; `Rejected` if it is damaged.
pub(super) fn only_file(input: impl Read) -> Result<Box<dyn Read + Send>> {
    let mut file = spooled(input)?;
    let mut archive = ZipArchive::new(BufReader::new(file.try_clone()?)).map_err(damaged)?;
    let names: Vec<String> = (0..archive.len())
        .map(|index| match archive.name_for_index(index) {
            Some(Ok(name)) => name.into_owned(),
            _ => String::new(),
        })
        .collect();
    if let Some(kind) = office(&names) {
        return Err(Error::config(format!(
            "file is {kind}: save the sheet as CSV"
        )));
    }
    // Skips folders and the metadata files of macOS.
    let is_content = |name: &str| !name.ends_with('/') && !name.starts_with("__MACOSX/");
    let contents: Vec<usize> = (0..names.len())
        .filter(|index| is_content(&names[*index]))
        .collect();
    let &[index] = contents.as_slice() else {
        let some: Vec<&str> = contents
            .iter()
            .take(3)
            .map(|index| names[*index].as_str())
            .collect();
        return Err(Error::config(format!(
            "file is a zip archive of {} files ({}{}): unpack it, or put one file into an archive",
            contents.len(),
            some.join(", "),
            if contents.len() > some.len() {
                ", …"
            } else {
                ""
            }
        )));
    };
    let entry = archive.by_index_raw(index).map_err(damaged)?;
    if entry.encrypted() {
        return Err(Error::config("file is an encrypted zip archive: unpack it"));
    }
    let start = entry
        .data_start()
        .ok_or_else(|| Error::rejected("the zip data is damaged: fetch the file again"))?;
    let (size, method, wanted) = (entry.compressed_size(), entry.compression(), entry.crc32());
    file.seek(SeekFrom::Start(start))?;
    let content = BufReader::with_capacity(1 << 16, file).take(size);
    let content: Box<dyn Read + Send> = match method {
        CompressionMethod::Stored => Box::new(content),
        CompressionMethod::Deflated => Box::new(DeflateDecoder::new(content)),
        other => {
            return Err(Error::config(format!(
                "file is a zip archive compressed by {other}: unpack it, or compress it by deflate"
            )));
        }
    };
    Ok(Box::new(Checked {
        inner: CrcReader::new(content),
        wanted,
    }))
}

/// Checks the checksum at the end.
struct Checked<R> {
    inner: CrcReader<R>,
    wanted: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if read == 0 && !buffer.is_empty() && self.inner.crc().sum() != self.wanted {
            return Err(io::Error::other("its checksum differs"));
        }
        Ok(read)
    }
}

fn office(names: &[String]) -> Option<&'static str> {
    let has = |start: &str| names.iter().any(|name| name.starts_with(start));
    match () {
        () if has("xl/") => Some("an Excel workbook (xlsx)"),
        () if has("word/") => Some("a Word document (docx)"),
        () if has("mimetype") && has("content.xml") => Some("an OpenDocument file"),
        () => None,
    }
}

fn damaged(error: zip::result::ZipError) -> Error {
    Error::rejected(format!(
        "the zip data is damaged ({error}): fetch the file again"
    ))
    .with_source(error)
}
