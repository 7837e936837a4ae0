//! The bytes of a staged file, unpacked, and the format that they are read with.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use super::location::Location;
use crate::engine::catalog::{Body, Kind};
use crate::engine::compile::Context;
use crate::engine::files::formats;
use crate::engine::files::formats::{Compression, Format};
use crate::engine::state::shared::Shared;
use crate::object_store::ObjectMeta;
use crate::types::error::{Result, SnowflakeError};

/// The format that applies: the statement's options over the stage's, names resolved.
///
/// # Errors
/// If a named format is not there, or an option is not supported.
pub fn format_for(context: &Context<'_>, location: &Location, options: &str) -> Result<Format> {
    let mut format = Format::default();
    // A statement that names a format does without the stage's.
    let own = if options.is_empty() {
        location.format.as_str()
    } else {
        options
    };
    if let Some(name) = formats::format_name(own)? {
        let object = context.find(Kind::FileFormat, &name)?;
        context.require(&object, "USAGE")?;
        if let Body::FileFormat { options } = &object.body {
            format = format.overlay(options)?;
        }
    }
    format.overlay(own)
}

/// A file's bytes, unpacked.
///
/// # Errors
/// If it is not there, or its packing is broken.
pub fn read(shared: &Shared, location: &Location, key: &str, format: &Format) -> Result<Vec<u8>> {
    location.assume(shared)?;
    let mut bytes = Vec::new();
    let read =
        open(shared, location, key, format).and_then(|mut file| file.read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(format.encoding.decoded(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing_file(location, key)),
        Err(error) => Err(SnowflakeError::new(
            "100016",
            "22000",
            format!("Error parsing the compressed file: {error}"),
        )),
    }
}

/// What is known of a file that a statement names.
///
/// # Errors
/// If it is not there.
pub fn head(shared: &Shared, location: &Location, key: &str) -> Result<ObjectMeta> {
    location.assume(shared)?;
    let found = shared.options.object_store.head(&location.bucket, key);
    found.map_err(|_| missing_file(location, key))
}

/// A file as a stream of bytes, unpacked but not decoded: from the disk, if it lies there.
///
/// # Errors
/// If it is not there.
pub fn open(
    shared: &Shared,
    location: &Location,
    key: &str,
    format: &Format,
) -> io::Result<Box<dyn Read + Send>> {
    location.assume(shared).map_err(io::Error::other)?;
    let store = &shared.options.object_store;
    match store.path(&location.bucket, key) {
        Some(path) => unpacked(BufReader::new(File::open(path)?), format.compression),
        None => {
            let bytes = store.get(&location.bucket, key)?;
            unpacked(io::Cursor::new(bytes), format.compression)
        }
    }
}

fn missing_file(location: &Location, key: &str) -> SnowflakeError {
    SnowflakeError::new(
        "091016",
        "22000",
        format!(
            "Remote file '{}' was not found. If you are running a copy command, please make sure files are not deleted when they are being loaded.",
            location.show(key)
        ),
    )
}

fn unpacked(
    mut packed: impl BufRead + Send + 'static,
    compression: Compression,
) -> io::Result<Box<dyn Read + Send>> {
    let start = packed.fill_buf()?;
    let kind = match compression {
        Compression::Auto if start.starts_with(&[0x1f, 0x8b]) => Compression::Gzip,
        Compression::Auto if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) => Compression::Zstd,
        other => other,
    };
    Ok(match kind {
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
        Compression::Zstd => Box::new(zstd::Decoder::with_buffer(packed)?),
        Compression::Auto | Compression::None => Box::new(packed),
    })
}
