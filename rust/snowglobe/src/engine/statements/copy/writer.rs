//! Records as a file has them that is unloaded. It knows neither stages nor SQL.

use std::io::{self, Write};

use crate::engine::files::formats::{Compression, Encoding, Format};
use crate::types::error::{Result, SnowflakeError};

/// A column as it is unloaded.
pub(super) struct Column {
    pub name: String,
    /// Whether its values are enclosed, where the format encloses: numbers and booleans are not.
    pub is_text: bool,
}

/// Writes the records of one file.
pub(super) struct Writer<'a> {
    format: &'a Format,
    bytes: Vec<u8>,
    pub rows: u64,
}

impl<'a> Writer<'a> {
    pub(super) fn new(format: &'a Format) -> Self {
        Self {
            format,
            bytes: Vec::new(),
            rows: 0,
        }
    }

    /// How long the file is so far, unpacked.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Writes the columns' names.
    pub(super) fn header(&mut self, columns: &[Column]) {
        for (at, column) in columns.iter().enumerate() {
            self.field(at, Some(&column.name), true);
        }
        self.end_record();
    }

    /// Writes a row, each value as text.
    pub(super) fn row(&mut self, columns: &[Column], values: &[Option<String>]) {
        if self.format.is_json {
            let document = values.first().and_then(Option::as_deref);
            self.bytes
                .extend_from_slice(document.unwrap_or("null").as_bytes());
            self.bytes.push(b'\n');
        } else {
            for (at, (column, value)) in columns.iter().zip(values).enumerate() {
                self.field(at, value.as_deref(), column.is_text);
            }
            self.end_record();
        }
        self.rows += 1;
    }

    fn end_record(&mut self) {
        let delimiter = self.format.record_delimiter.as_deref().unwrap_or(b"\n");
        self.bytes.extend_from_slice(delimiter);
    }

    fn field(&mut self, at: usize, value: Option<&str>, is_text: bool) {
        let format = self.format;
        if at > 0
            && let Some(delimiter) = &format.field_delimiter
        {
            self.bytes.extend_from_slice(delimiter);
        }
        let Some(value) = value else {
            // "When unloading data, Snowflake converts SQL NULL values to the first value in the list."
            let null = format.null_if.first().map_or("", String::as_str);
            self.bytes.extend_from_slice(null.as_bytes());
            return;
        };
        match format.quote {
            Some(quote) if is_text => {
                // A quote inside is doubled, or escaped where the format has a character for it.
                let escape = format.escape.unwrap_or(quote);
                self.bytes.push(quote);
                for byte in value.bytes() {
                    if byte == quote || Some(byte) == format.escape {
                        self.bytes.push(escape);
                    }
                    self.bytes.push(byte);
                }
                self.bytes.push(quote);
            }
            _ => self.unenclosed(value),
        }
    }

    fn unenclosed(&mut self, value: &str) {
        let format = self.format;
        let Some(escape) = format.escape.or(format.escape_unenclosed) else {
            self.bytes.extend_from_slice(value.as_bytes());
            return;
        };
        let first =
            |delimiter: &Option<Vec<u8>>| delimiter.as_ref().and_then(|d| d.first().copied());
        let record = first(&format.record_delimiter).unwrap_or(b'\n');
        for byte in value.bytes() {
            if byte == escape || byte == record || Some(byte) == first(&format.field_delimiter) {
                self.bytes.push(escape);
            }
            self.bytes.push(byte);
        }
    }

    /// The file, packed.
    ///
    /// # Errors
    /// If the format is one that Snowglobe does not write.
    pub(super) fn finish(self) -> Result<Vec<u8>> {
        if self.format.encoding != Encoding::Utf8 {
            return Err(SnowflakeError::unsupported(
                "unloading in another ENCODING than UTF8",
            ));
        }
        packed(&self.bytes, self.format.compression).map_err(SnowflakeError::internal)
    }
}

/// What the names of files of this format end with.
pub(super) fn extension(format: &Format) -> String {
    let kind = if format.is_json { ".json" } else { ".csv" };
    let packing = match format.compression {
        Compression::Auto | Compression::Gzip => ".gz",
        Compression::Zstd => ".zst",
        Compression::None => "",
    };
    format!("{kind}{packing}")
}

fn packed(bytes: &[u8], compression: Compression) -> io::Result<Vec<u8>> {
    match compression {
        Compression::None => Ok(bytes.to_vec()),
        Compression::Zstd => zstd::encode_all(bytes, 0),
        Compression::Auto | Compression::Gzip => {
            let mut packer =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            packer.write_all(bytes)?;
            packer.finish()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(options: &str, values: &[Option<&str>]) -> String {
        let format = Format::parse(&format!("{options} compression = none")).unwrap();
        let columns: Vec<Column> = (0..values.len())
            .map(|at| Column {
                name: format!("C{at}"),
                is_text: at > 0,
            })
            .collect();
        let values: Vec<Option<String>> = values.iter().map(|v| v.map(str::to_owned)).collect();
        let mut writer = Writer::new(&format);
        writer.row(&columns, &values);
        String::from_utf8(writer.finish().unwrap()).unwrap()
    }

    #[test]
    fn what_would_be_read_otherwise_is_enclosed_or_escaped() {
        let values = [Some("1"), Some("a,\"b\""), Some("x\ny\\"), None];
        for (options, text) in [
            ("", "1,a\\,\"b\",x\\\ny\\\\,\\N\n"),
            (
                "field_optionally_enclosed_by = '\"'",
                "1,\"a,\"\"b\"\"\",\"x\ny\\\",\\N\n",
            ),
            (
                "field_delimiter = '|' record_delimiter = ';' null_if = ('', 'none')",
                "1|a,\"b\"|x\ny\\\\|;",
            ),
        ] {
            assert_eq!(written(options, &values), text, "{options}");
        }
    }
}
