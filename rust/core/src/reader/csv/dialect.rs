//! The dialect of a file: its delimiter, quote, escape, line end and comment.

/// The special bytes of delimited text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Dialect {
    pub delimiter: u8,
    pub quote: Option<u8>,
    /// The escape byte.
    pub escape: Option<u8>,
    /// A line feed, with or without carriage returns before it; or a lone carriage return.
    pub line_end: u8,
    /// The comment byte; lines that begin with it are skipped.
    pub comment: Option<u8>,
}

impl Default for Dialect {
    /// The tables' own dialect.
    fn default() -> Self {
        Self {
            delimiter: b',',
            quote: Some(b'"'),
            escape: None,
            line_end: b'\n',
            comment: None,
        }
    }
}

impl Dialect {
    /// The name of a delimiter in messages.
    pub fn delimiter_name(delimiter: u8) -> String {
        match delimiter {
            b',' => "commas".to_owned(),
            b';' => "semicolons".to_owned(),
            b'\t' => "tabs".to_owned(),
            b'|' => "pipes".to_owned(),
            other => format!("`{}`", char::from(other).escape_debug()),
        }
    }
}

/// The text of a field, with doubled quotes and escapes resolved. `value` does not include the enclosing quotes.
pub(super) fn unescaped(dialect: &Dialect, value: &[u8], is_quoted: bool, output: &mut Vec<u8>) {
    output.clear();
    let quote = dialect.quote.filter(|_| is_quoted);
    let mut bytes = value.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if Some(byte) == dialect.escape {
            output.extend(bytes.next().map(|next| meaning(byte, next)));
            continue;
        }
        if Some(byte) == quote {
            bytes.next_if_eq(&byte);
        }
        output.push(byte);
    }
}

/// The meaning of a byte after an escape; MySQL and PostgreSQL escape line ends.
fn meaning(escape: u8, byte: u8) -> u8 {
    if escape != b'\\' {
        return byte;
    }
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'0' => 0,
        other => other,
    }
}
