//! Text that comes from files, for a line of a terminal.

/// The text on one line: what would break the line, or steer the terminal, is escaped as in Rust.
#[must_use]
pub fn printable(text: &str) -> String {
    // Quotes are for people, too.
    let escaped = text.escape_debug().to_string();
    escaped.replace("\\\"", "\"").replace("\\'", "'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_controls_is_escaped() {
        assert_eq!(printable("\"Bücher\"\n\x1b[2J"), "\"Bücher\"\\n\\u{1b}[2J");
    }
}
