//! No function lets the content of a literal become SQL.

use std::collections::BTreeSet;

use super::special::SPECIAL;
use super::tables::{RENAMED, REWRITTEN, SAME, VARIADIC};
use super::{Rendering, render};
use crate::sql::fragment::Sql;

/// Literals that something has taken for more than a text: placeholders of templates, quotes, comments, statements, internal names.
pub(crate) const HOSTILE: &[&str] = &[
    "{0}",
    "{1}",
    "{2}",
    "{1}' || (select 'canary' || 'found') || '{1}",
    "'",
    "''",
    "\"",
    "\\",
    "\\'",
    "\\' || (select 'canary' || 'found') || \\'",
    "' || (select 'canary' || 'found') || '",
    "$1",
    "$$",
    "?",
    ":1",
    "--",
    "/*",
    "*/",
    ";",
    ")",
    "(select 1)",
    "\u{1}",
    "\u{1}target",
    "\0",
    "\u{e000}",
    "@stage",
];

/// Every function, with each number of arguments that may make a difference.
fn functions() -> BTreeSet<(&'static str, usize)> {
    let any = |name| (0..=5).map(move |count| (name, count));
    let mut found: BTreeSet<(&'static str, usize)> = BTreeSet::new();
    found.extend(REWRITTEN.iter().map(|(name, count, _)| (*name, *count)));
    found.extend(VARIADIC.iter().flat_map(|(name, _)| any(*name)));
    found.extend(RENAMED.iter().flat_map(|(name, _)| any(*name)));
    found.extend(SAME.iter().flat_map(|name| any(*name)));
    for (name, counts) in SPECIAL {
        for count in *counts {
            match *count {
                usize::MAX => found.extend(any(name)),
                count => found.extend([(*name, count)]),
            }
        }
    }
    found
}

/// The SQL of the call.
fn sql_of(name: &str, args: &[Sql]) -> Option<Sql> {
    match render(&name.to_uppercase(), args) {
        Ok(Rendering::Sql(sql)) => Some(sql),
        Ok(Rendering::Call(function)) => Some(Sql::call(function, args)),
        Err(_) => None,
    }
}

/// What DuckDB reads with its texts and quoted names taken out, and those.
fn taken_apart(sql: &str) -> (String, Vec<String>) {
    let (mut shape, mut quoted) = (String::new(), Vec::new());
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        shape.push(c);
        if c != '\'' && c != '"' {
            continue;
        }
        let mut text = String::new();
        while let Some(inner) = chars.next() {
            if inner == c && chars.next_if_eq(&c).is_none() {
                break;
            }
            text.push(inner);
        }
        quoted.push(text);
    }
    (shape, quoted)
}

/// Arguments that most functions can do something with, of which one is a text.
fn arguments(count: usize, at: usize, text: &str) -> Vec<Sql> {
    let argument = |n| match n == at {
        true => Sql::literal(text),
        false => Sql::name("A"),
    };
    (0..count).map(argument).collect()
}

#[test]
fn every_function_keeps_a_hostile_literal_a_literal() {
    let (mut tried, mut kept) = (0, BTreeSet::new());
    for (name, count) in functions() {
        for at in 0..count {
            let harmless = sql_of(name, &arguments(count, at, "x"));
            for text in HOSTILE.iter().filter(|text| !text.contains('\0')) {
                let Some(sql) = sql_of(name, &arguments(count, at, text)) else {
                    continue;
                };
                tried += 1;
                let (shape, texts) = taken_apart(sql.as_str());
                // A format or a date part is read; whatever it says, it is refused or is a text again.
                if let Some(harmless) = &harmless {
                    let (expected, _) = taken_apart(harmless.as_str());
                    assert_eq!(shape, expected, "{name} of {text:?}: {}", sql.as_str());
                }
                if texts.iter().any(|found| found == text) {
                    kept.insert(name);
                }
                assert!(!shape.contains("canary"), "{name}: {}", sql.as_str());
            }
        }
    }
    assert!(tried > 5000, "only {tried} calls were made");
    assert!(
        kept.len() > 200,
        "only {} functions kept a literal",
        kept.len()
    );
}

#[test]
fn no_function_is_listed_that_is_not_answered() {
    let all = functions();
    for name in all.iter().map(|(name, _)| *name) {
        let answered = (0..=5).any(|count| {
            let args: Vec<Sql> = (0..count).map(|_| Sql::name("A")).collect();
            !matches!(render(&name.to_uppercase(), &args), Err(error) if error.code == "002140")
        });
        assert!(answered, "{name} is unknown");
    }
}
