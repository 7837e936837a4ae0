//! The Markdown table of a benchmark, printed or written between its markers in a page.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::peer::{Failure, Run};

/// The table of `medians`, slowest first. The last column is relative to `unit`, with the name `unit_name`.
pub fn render(medians: &[Run], unit: &Run, unit_name: &str, caption: &str) -> String {
    let mut ordered: Vec<_> = medians.iter().collect();
    ordered.sort_by(|a, b| a.rows_per_second().total_cmp(&b.rows_per_second()));
    let mut text = format!(
        "{caption}\n\n| program | rows/s | MB/s | x {unit_name} |\n| --- | ---: | ---: | ---: |\n"
    );
    for run in ordered {
        let times = run.rows_per_second() / unit.rows_per_second();
        let (rows, megabytes) = (
            readable(run.rows_per_second()),
            readable(run.bytes_per_second() / 1e6),
        );
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {rows} | {megabytes} | {} |",
            run.program,
            readable(times)
        );
    }
    text
}

/// Three significant digits: `0.0031`, `8.09`, `63,100`, `1.28 M`.
pub fn readable(value: f64) -> String {
    if value >= 1e6 {
        return format!("{} M", readable(value / 1e6));
    }
    let magnitude = if value > 0.0 {
        value.log10().floor()
    } else {
        0.0
    };
    let step = 10_f64.powf(magnitude - 2.0);
    let rounded = (value / step).round() * step;
    if rounded >= 1_000.0 {
        return format!(
            "{},{:03}",
            (rounded / 1_000.0).floor(),
            (rounded % 1_000.0).round()
        );
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 8"
    )]
    let decimals = (2.0 - magnitude).clamp(0.0, 8.0) as usize;
    format!("{rounded:.decimals$}")
}

/// Writes `text` between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->` of the file at `path`.
///
/// # Errors
/// The file cannot be read or written, or lacks the markers.
pub fn put_between_markers(path: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let old = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (opening, closing) = (
        format!("<!-- bench:{name} -->"),
        format!("<!-- /bench:{name} -->"),
    );
    let parts = old
        .split_once(&opening)
        .and_then(|(before, rest)| Some((before, rest.split_once(&closing)?.1)));
    let Some((before, after)) = parts else {
        let path = path.display();
        return Err(format!(
            "{path} lacks the markers of the table: add the lines `{opening}` and `{closing}`"
        )
        .into());
    };
    let new = format!("{before}{opening}\n{}\n{closing}{after}", text.trim_end());
    fs::write(path, new).map_err(|error| format!("{}: {error}", path.display()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(program: &str, rows: u64, seconds: f64) -> Run {
        Run {
            program: program.to_owned(),
            rows,
            bytes: rows * 100,
            seconds,
        }
    }

    #[test]
    fn numbers_have_three_significant_digits() {
        let shown = [
            0.003_14,
            0.5,
            8.087,
            121.4,
            999.6,
            63_140.0,
            1_280_000.0,
            103_400_000.0,
        ]
        .map(readable);
        assert_eq!(
            shown,
            [
                "0.00314", "0.500", "8.09", "121", "1,000", "63,100", "1.28 M", "103 M"
            ]
        );
    }

    #[test]
    fn the_table_is_ordered_by_speed_and_relative_to_its_unit() {
        let unit = run("unit", 1_000, 1.0);
        let table = render(
            &[run("fast", 4_000, 1.0), unit.clone()],
            &unit,
            "unit",
            "Caption.",
        );
        let (first, second) = (
            table.find("| unit | 1,000 | 0.100 | 1.00 |"),
            table.find("| fast | 4,000 | 0.400 | 4.00 |"),
        );
        assert!(first.is_some() && second > first, "{table}");
    }

    #[test]
    fn text_outside_the_markers_is_kept() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(
            file.path(),
            "a\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nb\n",
        )
        .unwrap();
        put_between_markers(file.path(), "x", "new\n").unwrap();
        assert_eq!(
            fs::read_to_string(file.path()).unwrap(),
            "a\n<!-- bench:x -->\nnew\n<!-- /bench:x -->\nb\n"
        );
        let missing = put_between_markers(file.path(), "y", "new").unwrap_err();
        assert!(
            missing.to_string().contains("<!-- bench:y -->"),
            "{missing}"
        );
    }
}
