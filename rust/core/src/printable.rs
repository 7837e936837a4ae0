//! Text that comes from files, for a line of a terminal.

/// The text on one line: what would break the line, or steer the terminal, is escaped as in Rust.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() {
            line.extend(char.escape_default());
        } else {
            line.push(char);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_controls_is_escaped() {
        assert_eq!(printable("\"Bücher\"\n\x1b[2J"), "\"Bücher\"\\n\\u{1b}[2J");
    }
}
