//! Converts a row into an event in the tables' form.

use std::io::Read;

use super::Rows;
use super::dialect::{self, Dialect};
use super::row::Field;
use crate::contract::{ExtraColumns, MissingColumns, Op};
use crate::reader::convert::{Fault, Value};

/// The fault of a well-formed row.
pub(super) enum Invalid {
    Value(Option<usize>, Fault),
    FieldCount(usize),
    RepeatedHeader,
    NotUtf8,
}

impl<R: Read> Rows<R> {
    /// Appends the row whose fields have been split, in the tables' form.
    pub(super) fn convert(&mut self, start: usize, end: usize) -> Result<(), Invalid> {
        if !self.is_utf8 && simdutf8::basic::from_utf8(&self.buffer[start..end]).is_err() {
            return Err(Invalid::NotUtf8);
        }
        let found = self.field_count();
        let shift = match found {
            Some(shift) => shift,
            None if self.is_header(start, end) => return Err(Invalid::RepeatedHeader),
            None => return Err(Invalid::FieldCount(self.fields.len())),
        };
        let op = self
            .layout
            .op
            .filter(|_| shift == 0)
            .and_then(|field| self.fields.get(field));
        let (bytes, dialect) = (&self.buffer, &self.dialect);
        let op = value(bytes, dialect, op, &mut self.scratch);
        let fault = |fault| Invalid::Value(None, fault);
        let invalid = match self
            .converter
            .operation(op, &mut self.converted)
            .map_err(fault)
        {
            Ok(op) => self.columns(op, shift).err(),
            Err(invalid) => Some(invalid),
        };
        self.converter.end_row(&mut self.converted);
        match invalid {
            Some(_) if self.is_header(start, end) => Err(Invalid::RepeatedHeader),
            Some(invalid) => Err(invalid),
            None => Ok(()),
        }
    }

    fn columns(&mut self, op: Op, shift: usize) -> Result<(), Invalid> {
        for (index, field) in self.layout.columns.iter().enumerate() {
            self.converted.push(b',');
            let field = field.and_then(|field| self.fields.get(field - shift));
            let value = value(&self.buffer, &self.dialect, field, &mut self.scratch);
            self.converter
                .column(index, value, op, &mut self.converted)
                .map_err(|fault| Invalid::Value(Some(index), fault))?;
        }
        Ok(())
    }

    /// Checks the number of fields; returns by how many positions they are shifted to the left.
    fn field_count(&mut self) -> Option<usize> {
        let source = self.contract.source();
        let wanted = self.layout.fields;
        if self.layout.is_op_optional && self.header.is_none() && self.fields.len() + 1 == wanted {
            return Some(1);
        }
        // Trailing delimiters cause empty fields after the last.
        while self.fields.len() > wanted && self.fields.last().is_some_and(Field::is_empty) {
            self.fields.pop();
        }
        let is_by_position = self.header.is_none();
        let fits = self.fields.len() == wanted
            || is_by_position
                && self.fields.len() > wanted
                && source.extra_columns == ExtraColumns::Ignore
            || is_by_position
                && self.fields.len() < wanted
                && source.missing_columns != MissingColumns::Refuse;
        fits.then_some(0)
    }

    fn is_header(&self, start: usize, end: usize) -> bool {
        let line = self.buffer[start..end].trim_ascii_end();
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        self.header.as_deref() == Some(line)
    }
}

/// The value of a field.
fn value<'b>(
    bytes: &'b [u8],
    dialect: &Dialect,
    field: Option<&Field>,
    scratch: &'b mut Vec<u8>,
) -> Value<'b> {
    let Some(field) = field else {
        return Value::Absent;
    };
    let text = &bytes[field.start..field.end];
    // A null marker such as `\N` must not be unescaped; no other text has this form.
    let is_marker = field.end - field.start == 2 && text[1] == b'N';
    if !field.is_escaped || is_marker && !field.is_quoted {
        return Value::Text {
            text,
            is_quoted: field.is_quoted,
        };
    }
    dialect::unescaped(dialect, text, field.is_quoted, scratch);
    Value::Text {
        text: scratch,
        is_quoted: true,
    }
}
