//! Writes the malformed rows of a file as CSV for the caller; the core gives each its reason.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use firn::reader::RejectedRow;
use firn::{Error, Result};

/// The malformed rows of one file, as CSV. A failure to write is reported at the end.
pub struct RejectedRows {
    path: PathBuf,
    out: Option<BufWriter<File>>,
    failed: Option<std::io::Error>,
}

impl RejectedRows {
    /// The file at `path` is only created with the first row.
    pub fn to(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            out: None,
            failed: None,
        }
    }

    /// A failure to write is reported by [`Self::finish`].
    pub fn add(&mut self, row: &RejectedRow) {
        if self.failed.is_none()
            && let Err(error) = self.write(row)
        {
            self.failed = Some(error);
        }
    }

    fn write(&mut self, row: &RejectedRow) -> std::io::Result<()> {
        let out = match &mut self.out {
            Some(out) => out,
            None => {
                let mut out = BufWriter::new(File::create(&self.path)?);
                out.write_all(b"row,line,column,reason,raw\n")?;
                self.out.insert(out)
            }
        };
        write!(out, "{},{},", row.row, row.line)?;
        quoted(out, row.column.as_deref().unwrap_or_default().as_bytes())?;
        out.write_all(b",")?;
        quoted(out, row.reason.as_bytes())?;
        out.write_all(b",")?;
        quoted(out, &row.raw)?;
        out.write_all(b"\n")
    }

    /// # Errors
    /// The first write that failed, with the path.
    pub fn finish(&mut self) -> Result<()> {
        let flushed = self.out.take().map_or(Ok(()), |mut out| out.flush());
        self.failed
            .take()
            .map_or(flushed, Err)
            .map_err(|error| Error::from(error).context(self.path.display().to_string()))
    }
}

/// A quoted field with unchanged bytes.
fn quoted(out: &mut impl Write, field: &[u8]) -> std::io::Result<()> {
    out.write_all(b"\"")?;
    for part in field.split_inclusive(|&byte| byte == b'"') {
        out.write_all(part)?;
        if part.ends_with(b"\"") {
            out.write_all(b"\"")?;
        }
    }
    out.write_all(b"\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_rows_are_csv_whatever_their_content() {
        let folder = std::env::temp_dir().join(format!("firn-rejected-{}", std::process::id()));
        let mut rows = RejectedRows::to(&folder);
        rows.add(&RejectedRow {
            row: 3,
            line: 4,
            column: Some("city".into()),
            reason: "a \"quote\"".into(),
            raw: b"a,\"b\xff".to_vec(),
        });
        rows.finish().unwrap();
        let written = std::fs::read(&folder).unwrap();
        std::fs::remove_file(&folder).unwrap();
        assert_eq!(
            written,
            b"row,line,column,reason,raw\n3,4,\"city\",\"a \"\"quote\"\"\",\"a,\"\"b\xff\"\n"
        );
    }
}
