//! Reads CSV as COPY does: quoting, escapes, null markers. It knows bytes and a format, neither tables nor SQL.

use super::formats::Format;

/// What some programs write at the start of a file, and no reader takes for text.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What Snowflake says.
    pub message: String,
    /// 1-based column of the table, 0 if unknown.
    pub column: usize,
}

/// Reads record after record.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
    format: &'a Format,
    /// The fields of the last record; none is null.
    pub fields: Vec<Option<Vec<u8>>>,
    /// Where each of them starts.
    pub starts: Vec<usize>,
    /// The last record's first byte and line (1-based).
    pub record_start: usize,
    pub record_line: u64,
}

impl<'a> Reader<'a> {
    /// At the first record after the header.
    pub fn new(bytes: &'a [u8], format: &'a Format) -> Self {
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        let mut reader = Self {
            bytes,
            at: 0,
            line: 1,
            format,
            fields: Vec::new(),
            starts: Vec::new(),
            record_start: 0,
            record_line: 1,
        };
        for _ in 0..format.skip_header {
            reader.skip_line();
        }
        if format.parse_header {
            // Whoever wants the names reads them without this option.
            let _ = reader.next_record();
        }
        reader
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at.min(self.bytes.len())..]
    }

    fn skip_line(&mut self) {
        let rest = &self.bytes[self.at..];
        let length = rest
            .iter()
            .position(|b| *b == b'\n')
            .map_or(rest.len(), |n| n + 1);
        self.at += length;
        self.line += 1;
    }

    /// Reads the next record. `None` at the end.
    pub fn next_record(&mut self) -> Option<Result<(), Fault>> {
        loop {
            if self.at >= self.bytes.len() {
                return None;
            }
            self.record_start = self.at;
            self.record_line = self.line;
            let read = self.read();
            let is_blank =
                self.fields.len() == 1 && self.fields[0].as_ref().is_none_or(Vec::is_empty);
            if is_blank && read.is_ok() && self.format.skip_blank_lines {
                continue;
            }
            return Some(read);
        }
    }

    fn read(&mut self) -> Result<(), Fault> {
        self.fields.clear();
        self.starts.clear();
        loop {
            self.starts.push(self.at - self.record_start);
            let format = self.format;
            let quote = format.quote.filter(|quote| self.is_quoted(*quote));
            let end = match quote {
                Some(quote) => self.quoted(quote)?,
                None => self.plain(),
            };
            if end == End::Record {
                return Ok(());
            }
        }
    }

    fn is_quoted(&mut self, quote: u8) -> bool {
        let mut at = self.at;
        while self.format.trim_space && self.bytes.get(at) == Some(&b' ') {
            at += 1;
        }
        let quoted = self.bytes.get(at) == Some(&quote);
        if quoted {
            self.at = at;
        }
        quoted
    }

    /// Passes a delimiter if one is next.
    fn end_here(&mut self) -> Option<End> {
        if self.at >= self.bytes.len() {
            return Some(End::Record);
        }
        let rest = &self.bytes[self.at..];
        if let Some(delimiter) = &self.format.field_delimiter
            && rest.starts_with(delimiter)
        {
            self.at += delimiter.len();
            return Some(End::Field);
        }
        let length = match &self.format.record_delimiter {
            Some(delimiter) if rest.starts_with(delimiter) => delimiter.len(),
            Some(_) => return None,
            None if rest[0] == b'\n' => 1,
            None if rest.starts_with(b"\r\n") => 2,
            None if rest[0] == b'\r' => 1,
            None => return None,
        };
        self.at += length;
        self.line += 1;
        Some(End::Record)
    }

    fn plain(&mut self) -> End {
        let mut field = Vec::new();
        let end = loop {
            if let Some(end) = self.end_here() {
                break end;
            }
            let byte = self.bytes[self.at];
            self.at += 1;
            match self.format.escape_unenclosed {
                Some(escape) if byte == escape && self.at < self.bytes.len() => {
                    let next = self.bytes[self.at];
                    self.at += 1;
                    // The marker of null is told apart from an escape before it is undone.
                    if next == b'N' && escape == b'\\' {
                        field.extend([byte, next])
                    } else {
                        field.push(unescaped(next))
                    }
                }
                _ => field.push(byte),
            }
        };
        if self.format.trim_space {
            field = field.trim_ascii().to_vec();
        }
        let is_null =
            (field.is_empty() && self.format.empty_field_as_null) || self.is_null_marker(&field);
        self.fields.push((!is_null).then_some(field));
        end
    }

    fn quoted(&mut self, quote: u8) -> Result<End, Fault> {
        let column = self.fields.len() + 1;
        self.at += 1;
        let mut field = Vec::new();
        loop {
            let Some(&byte) = self.bytes.get(self.at) else {
                self.fields.push(None);
                return Err(Fault { message: "End of file reached while parsing an enclosed field: the closing quote is missing".to_owned(), column });
            };
            self.at += 1;
            if byte == quote {
                if self.bytes.get(self.at) == Some(&quote) {
                    field.push(quote);
                    self.at += 1;
                    continue;
                }
                break;
            }
            if Some(byte) == self.format.escape
                && let Some(&next) = self.bytes.get(self.at)
            {
                field.push(unescaped(next));
                self.at += 1;
                continue;
            }
            self.line += u64::from(byte == b'\n');
            field.push(byte);
        }
        while self.format.trim_space && self.bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        let is_null = self.is_null_marker(&field);
        self.fields.push((!is_null).then_some(field));
        if let Some(end) = self.end_here() {
            return Ok(end);
        }
        let found = char::from(self.bytes[self.at]);
        let delimiter = self
            .format
            .field_delimiter
            .as_deref()
            .map(String::from_utf8_lossy)
            .unwrap_or_default()
            .into_owned();
        // The rest of the line belongs to the broken record.
        self.skip_line();
        Err(Fault {
            message: format!("Found character '{found}' instead of field delimiter '{delimiter}'"),
            column,
        })
    }

    fn is_null_marker(&self, field: &[u8]) -> bool {
        self.format
            .null_if
            .iter()
            .any(|marker| marker.as_bytes() == field)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Field,
    Record,
}

/// What an escape before this byte makes of it.
pub fn unescaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 8,
        b'f' => 12,
        b'0' => 0,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, options: &str) -> Vec<Vec<Option<String>>> {
        let format = Format::parse(options).unwrap();
        let mut reader = Reader::new(text.as_bytes(), &format);
        let mut rows = Vec::new();
        while let Some(record) = reader.next_record() {
            record.unwrap();
            rows.push(
                reader
                    .fields
                    .iter()
                    .map(|f| f.as_ref().map(|b| String::from_utf8(b.clone()).unwrap()))
                    .collect(),
            );
        }
        rows
    }

    #[test]
    fn an_empty_field_is_null_and_an_empty_quoted_one_is_not() {
        let rows = read("a,,\"\"\n", "FIELD_OPTIONALLY_ENCLOSED_BY = '\"'");
        assert_eq!(rows, [[Some("a".to_owned()), None, Some(String::new())]]);
    }

    #[test]
    fn a_quoted_field_may_hold_quotes_delimiters_and_line_ends() {
        let rows = read(
            "\"x\"\"y,\nz\",2\r\n3,4",
            "FIELD_OPTIONALLY_ENCLOSED_BY = '\"'",
        );
        assert_eq!(rows[0][0].as_deref(), Some("x\"y,\nz"));
        assert_eq!(rows[1][1].as_deref(), Some("4"));
    }

    #[test]
    fn a_backslash_escapes_and_backslash_n_is_null() {
        let rows = read("a\\,b,\\N\n", "");
        assert_eq!(rows, [[Some("a,b".to_owned()), None]]);
    }

    #[test]
    fn text_after_a_closing_quote_is_a_fault_and_the_next_line_is_read() {
        let format = Format::parse("FIELD_OPTIONALLY_ENCLOSED_BY = '\"'").unwrap();
        let mut reader = Reader::new(b"\"a\"b,1\nc,2\n", &format);
        assert_eq!(
            reader.next_record().unwrap().unwrap_err().message,
            "Found character 'b' instead of field delimiter ','"
        );
        reader.next_record().unwrap().unwrap();
        assert_eq!(reader.fields[0].as_deref(), Some(b"c".as_slice()));
    }
}
