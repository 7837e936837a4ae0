//! Prints results: aligned tables for people, JSON for programs.

use std::io::{IsTerminal, Write};
use std::time::Instant;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use firn::{Error, Result, printable};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// Prints a step of a demonstration with its time.
pub fn step(started: Instant, text: &str) -> Result<()> {
    let seconds = started.elapsed().as_secs_f64();
    print(&format!("{seconds:>6.1} s  {text}\n"))
}

/// The name under which this program was called, so that suggested commands can be copied.
pub fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "firn".to_owned())
}

/// A live progress bar, on a terminal.
pub fn bar(length: u64, template: &str) -> ProgressBar {
    let bar = if std::io::stderr().is_terminal() {
        ProgressBar::new(length)
    } else {
        ProgressBar::hidden()
    };
    bar.with_style(bar_style(template))
}

/// The style of a bar.
pub fn bar_style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Writes to standard output. A closed pipe, as after `head`, is not an error.
pub fn print(text: &str) -> Result<()> {
    print_on(text).map(drop)
}

/// The same for repeated output; false once the pipe is closed.
pub fn print_on(text: &str) -> Result<bool> {
    let mut output = std::io::stdout().lock();
    match output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
    {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        other => Ok(other.map(|()| true)?),
    }
}

/// Writes one JSON document.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    print(&json(value)?)
}

/// One JSON document, with a final line end.
pub fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Error::bug(format!("cannot write JSON: {error}")))
}

/// Aligns cells in columns, with numbers aligned to the right.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|text| printable(text)).collect())
        .collect();
    let is_number = |index: usize| {
        let mut cells = rows.iter().filter_map(|row| row.get(index));
        cells.all(|cell| {
            cell.chars()
                .all(|char| char.is_ascii_digit() || ".-".contains(char))
        })
    };
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(head)
        .add_rows(&rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if is_number(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt() + "\n"
}

/// Prints every distinct error but the worst, and returns that one. A permanent error is worse than a transient one.
pub fn all_but_worst(mut errors: Vec<Error>) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    errors.retain(|error| seen.insert(error.to_string()));
    errors.sort_by_key(|error| !error.is_transient());
    let worst = errors.pop();
    for error in errors {
        eprintln!("error: {error}");
    }
    worst.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_stays_on_one_line() {
        let rows = [vec!["one\ntwo".to_owned()]];
        assert_eq!(table(&["name"], &rows), "name\none\\ntwo\n");
    }

    #[test]
    fn wide_characters_keep_the_columns_aligned() {
        let rows = [
            vec!["東京".to_owned(), "a".to_owned()],
            vec!["Oslo".to_owned(), "b".to_owned()],
        ];
        assert_eq!(table(&["city", "x"], &rows), "city  x\n東京  a\nOslo  b\n");
    }

    #[test]
    fn numbers_are_aligned_to_the_right() {
        let rows = [
            vec!["a".to_owned(), "5".to_owned()],
            vec!["bcd".to_owned(), "10".to_owned()],
        ];
        assert_eq!(
            table(&["name", "n"], &rows),
            "name   n\na      5\nbcd   10\n"
        );
    }
}
