//! Escapes text from files for one line of a terminal.

/// The text on one line: line breaks and control characters are escaped as in Rust.
#[must_use]
pub fn printable(text: &str) -> String {
    // Quotes stay as they are.
    let escaped = text.escape_debug().to_string();
    escaped.replace("\\\"", "\"").replace("\\'", "'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_control_characters_are_escaped() {
        assert_eq!(printable("\"Bücher\"\n\x1b[2J"), "\"Bücher\"\\n\\u{1b}[2J");
    }
}
