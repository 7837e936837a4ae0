//! Writes the malformed rows of a file as CSV for the caller; the core gives each its reason.

use std::io::{BufWriter, Write};

use firn::Result;
use firn::reader::RejectedRow;

/// Bytes of CSV that are written together.
const PIECE_BYTES: usize = 1 << 16;

/// The malformed rows of one file, as CSV. A failure to write is reported at the end.
pub struct RejectedRows {
    out: BufWriter<Box<dyn Write + Send>>,
    /// The header is written.
    begun: bool,
    failed: Option<std::io::Error>,
}

impl RejectedRows {
    /// Nothing is written to `out` before the first row.
    pub fn to(out: impl Write + Send + 'static) -> Self {
        Self {
            out: BufWriter::with_capacity(PIECE_BYTES, Box::new(out)),
            begun: false,
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
        let out = &mut self.out;
        if !self.begun {
            out.write_all(b"row,line,column,reason,raw\n")?;
            self.begun = true;
        }
        write!(out, "{},{},", row.row, row.line)?;
        quoted(out, row.column.as_deref().unwrap_or_default().as_bytes())?;
        out.write_all(b",")?;
        quoted(out, row.reason.as_bytes())?;
        out.write_all(b",")?;
        quoted(out, &row.raw)?;
        out.write_all(b"\n")
    }

    /// # Errors
    /// The first write that failed.
    pub fn finish(&mut self) -> Result<()> {
        let flushed = self.out.flush();
        Ok(self.failed.take().map_or(flushed, Err)?)
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
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn rejected_rows_are_csv_whatever_their_content() {
        let written = Shared::default();
        let mut rows = RejectedRows::to(written.clone());
        rows.finish().unwrap();
        assert_eq!(*written.0.lock().unwrap(), b"");
        rows.add(&RejectedRow {
            row: 3,
            line: 4,
            column: Some("city".into()),
            reason: "a \"quote\"".into(),
            raw: b"a,\"b\xff".to_vec(),
        });
        rows.finish().unwrap();
        assert_eq!(
            *written.0.lock().unwrap(),
            b"row,line,column,reason,raw\n3,4,\"city\",\"a \"\"quote\"\"\",\"a,\"\"b\xff\"\n"
        );
    }
}
