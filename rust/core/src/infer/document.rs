//! The contract as commented TOML.

use std::fmt::Write as _;

use super::evidence::Evidence;
use super::roles::Roles;
use super::sample::Sample;
use crate::contract::{Format, Op};

pub(super) fn render(file: &str, table: &str, sample: &Sample, roles: &Roles) -> String {
    let part = if sample.is_whole { "all" } else { "the first" };
    let mut text = format!(
        "# Inferred from {part} {} rows of {}. Check the key, the order and the types, then run `firn contract check`.\n",
        sample.rows,
        file.escape_debug()
    );
    let _ = writeln!(text, "table = {}", quoted(table));
    match roles.operation.map(|at| &sample.columns[at]) {
        Some(column) => {
            let counts = column
                .short
                .iter()
                .map(|(value, rows)| format!("{value} {rows}"));
            let counts: Vec<String> = counts.collect();
            let comment = format!("# {}", counts.join(", "));
            let _ = writeln!(text, "op = {}  {comment}", quoted(&column.name));
        }
        None => text
            .push_str("# No operation column was found: every row inserts or updates its key.\n"),
    }
    let _ = writeln!(text, "key = {}  # {}", list(&roles.key), roles.key_reason);
    let _ = writeln!(
        text,
        "order = {}  # {}",
        list(&roles.order),
        roles.order_reason
    );
    text.push_str("columns = [\n");
    for (at, column) in sample.columns.iter().enumerate() {
        if Some(at) != roles.operation {
            text.push_str(&line(column));
        }
    }
    if sample.format == Format::Debezium {
        text.push_str("    { name = \"changed_at\", type = \"TIMESTAMP_NTZ(6)\", from = \"source.ts_ms\" },\n");
    }
    text.push_str("]\n");
    text.push_str(&source(sample, roles));
    text
}

fn line(column: &Evidence) -> String {
    let name = quoted(&column.name);
    if column.is_nested {
        return format!("    {{ name = {name}, ignore = true }},  # holds JSON objects or lists\n");
    }
    let proposal = column.proposal();
    let timestamps = proposal
        .timestamps
        .map(|format| format!(", timestamps = [{}]", quoted(format)))
        .unwrap_or_default();
    let mut reason = proposal.reason;
    if column.nulls > 0 {
        let _ = write!(reason, "; {} are null", column.nulls);
    }
    let examples: Vec<String> = column
        .examples
        .iter()
        .map(|text| text.escape_debug().to_string())
        .collect();
    if !examples.is_empty() {
        let _ = write!(reason, "; such as {}", examples.join(", "));
    }
    format!(
        "    {{ name = {name}, type = {}{timestamps} }},  # {reason}\n",
        quoted(&proposal.kind.to_string().to_uppercase())
    )
}

fn source(sample: &Sample, roles: &Roles) -> String {
    let mut keys = Vec::new();
    if sample.format == Format::Debezium {
        keys.push("preset = \"debezium\"".to_owned());
    }
    if sample.format == Format::Csv && !sample.has_header {
        keys.push("header = \"none\"  # the first line holds values".to_owned());
    }
    if sample.format == Format::Csv && sample.delimiter != b',' {
        let delimiter = char::from(sample.delimiter).to_string();
        keys.push(format!("delimiter = {}", quoted(&delimiter)));
    }
    if sample.is_windows_1252 {
        keys.push(
            "encoding = \"windows-1252\"  # the text is not UTF-8: check accents and umlauts"
                .to_owned(),
        );
    }
    let mut nulls: Vec<&str> = sample
        .columns
        .iter()
        .flat_map(|one| one.null_texts.keys().copied())
        .collect();
    nulls.sort_unstable();
    nulls.dedup();
    if !nulls.is_empty() {
        nulls.insert(0, "");
        let nulls: Vec<String> = nulls.into_iter().map(str::to_owned).collect();
        keys.push(format!("null = {}", list(&nulls)));
    }
    if sample.columns.iter().any(Evidence::has_grouping_dots) {
        keys.push("numbers = { decimal = \",\", grouping = \".\" }".to_owned());
    } else if sample.columns.iter().any(Evidence::has_decimal_commas) {
        keys.push("numbers = { decimal = \",\" }".to_owned());
    }
    if sample.has_gaps && sample.format != Format::Csv {
        keys.push("missing_columns = \"null\"  # some rows lack some columns".to_owned());
    }
    if let (Some(at), Some(spellings)) = (roles.operation, &roles.spellings) {
        keys.push(operation(&sample.columns[at].name, spellings));
    }
    if keys.is_empty() {
        return String::new();
    }
    format!("\n[source]\n{}\n", keys.join("\n"))
}

fn operation(column: &str, spellings: &[(Op, Vec<String>)]) -> String {
    let words = spellings.iter().map(|(op, texts)| {
        let word = match op {
            Op::Insert => "insert",
            Op::Update => "update",
            Op::Delete => "delete",
        };
        format!("{word} = {}", list(texts))
    });
    let words: Vec<String> = words.collect();
    format!(
        "operation = {{ column = {}, {} }}",
        quoted(column),
        words.join(", ")
    )
}

fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
