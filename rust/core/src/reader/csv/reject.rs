//! Reports a rejected row, and finds the start of the next one.

use std::io::Read;

use super::event::Invalid;
use super::{Rows, Step};
use crate::reader::piece::{MOST_BYTES_OF_A_LONG_ROW, MOST_RAW_BYTES, RejectedRow};

impl<R: Read> Rows<R> {
    #[cold]
    pub(super) fn reject(
        &mut self,
        start: usize,
        end: usize,
        breaks: u32,
        invalid: &Invalid,
    ) -> Step {
        let columns = self.contract.columns();
        let (column, reason) = match invalid {
            Invalid::Value(index, fault) => {
                let column = index.map(|index| &columns[index]);
                let name = column.map_or(self.contract.op(), |column| &column.name);
                (Some(name.to_owned()), fault.reason(&self.contract, column))
            }
            Invalid::FieldCount(fields) => (
                None,
                format!("has {fields} fields, expected {}", self.layout.fields),
            ),
            Invalid::RepeatedHeader => (None, "is the header again".to_owned()),
            Invalid::NotUtf8 => (None, "is not UTF-8".to_owned()),
        };
        self.rejected(start, end, breaks, column, reason, MOST_RAW_BYTES)
    }

    /// Rejects a malformed row, which ends at its first line end.
    #[cold]
    pub(super) fn reject_malformed(&mut self, start: usize, reason: &str) -> Step {
        self.is_malformed = true;
        let rest = &self.buffer[start..self.filled];
        let end =
            memchr::memchr(self.dialect.line_end, rest).map_or(self.filled, |at| start + at + 1);
        self.rejected(start, end, 0, None, reason.to_owned(), MOST_RAW_BYTES)
    }

    #[cold]
    pub(super) fn reject_long(&mut self, start: usize) -> Step {
        self.is_malformed = true;
        let rest = &self.buffer[start..self.filled];
        let end = memchr::memchr(self.dialect.line_end, rest);
        self.is_within_long_row = end.is_none() && !self.is_last;
        let end = end.map_or(self.filled, |at| start + at + 1);
        let reason = format!(
            "is longer than {} bytes: a quote may be open",
            self.most_row_bytes
        );
        let step = self.rejected(start, end, 0, None, reason, MOST_BYTES_OF_A_LONG_ROW);
        self.line -= u64::from(self.is_within_long_row);
        step
    }

    fn rejected(
        &mut self,
        start: usize,
        end: usize,
        breaks: u32,
        column: Option<String>,
        reason: String,
        most: usize,
    ) -> Step {
        let mut raw = &self.buffer[start..end];
        while let Some(rest) = raw.strip_suffix(b"\n").or_else(|| raw.strip_suffix(b"\r")) {
            raw = rest;
        }
        self.row += 1;
        let rejected = RejectedRow {
            row: self.row,
            line: self.line,
            column,
            reason,
            raw: raw[..raw.len().min(most)].to_vec(),
        };
        self.line += 1 + u64::from(breaks);
        Step::Rejected(rejected, end)
    }
}
