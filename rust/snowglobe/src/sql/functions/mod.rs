//! Snowflake's functions as DuckDB's: renamed, rewritten, or refused. Pure text to text.
//!
//! - `tables`: those with another name or a fixed text
//! - `special`: those whose text depends on their arguments
//! - `dates`: parts of dates, and what is added to them
//! - `times`: times from texts and as texts, by a format

mod dates;
mod special;
mod tables;
mod times;

use crate::engine::error::{Result, SnowflakeError};

use special::special;
use tables::{RENAMED, REWRITTEN, SAME, VARIADIC};

pub use dates::date_part;
pub use times::{shown_format, time_format};

/// How a function is answered.
pub enum Rendering {
    /// Call this DuckDB function with the arguments as they are.
    Rename(&'static str),
    /// DuckDB has it as it is.
    Same,
    /// This text.
    Text(String),
}

/// The rendering of a call with rendered arguments.
///
/// # Errors
/// `Unknown function` for what is not known here.
pub fn render(name: &str, args: &[String]) -> Result<Rendering> {
    if let Some((_, text)) = VARIADIC.iter().find(|(n, _)| *n == name) {
        return Ok(Rendering::Text(variadic(text, args)));
    }
    let rewritten = REWRITTEN
        .iter()
        .find(|(n, count, _)| *n == name && *count == args.len());
    if let Some((_, _, template)) = rewritten {
        return Ok(Rendering::Text(fill(template, args)));
    }
    if let Some(text) = special(name, args)? {
        return Ok(Rendering::Text(text));
    }
    if let Some((_, new)) = RENAMED.iter().find(|(n, _)| *n == name) {
        return Ok(Rendering::Rename(new));
    }
    if SAME.contains(&format!(" {name} ")) {
        return Ok(Rendering::Same);
    }
    if REWRITTEN.iter().any(|(n, _, _)| *n == name) {
        let message = format!(
            "SQL compilation error: error line 1 at position 0\nnot enough or too many arguments for function [{name}]"
        );
        return Err(SnowflakeError::new("000938", "22023", message));
    }
    Err(SnowflakeError::new(
        "002140",
        "42601",
        format!("SQL compilation error:\nUnknown function {name}"),
    ))
}

fn fill(template: &str, args: &[String]) -> String {
    let mut text = template.to_owned();
    for (at, arg) in args.iter().enumerate() {
        text = text.replace(&format!("{{{at}}}"), &format!("({arg})"));
    }
    text
}

fn variadic(name: &str, args: &[String]) -> String {
    let list = args.join(", ");
    let any_null = args
        .iter()
        .map(|a| format!("({a}) is null"))
        .collect::<Vec<_>>()
        .join(" or ");
    match name {
        "sf_greatest" => format!("case when {any_null} then null else greatest({list}) end"),
        "sf_least" => format!("case when {any_null} then null else least({list}) end"),
        "sf_concat" => args
            .iter()
            .map(|a| format!("(sf_member({a}))::varchar"))
            .collect::<Vec<_>>()
            .join(" || "),
        _ => {
            let members: Vec<String> = args.iter().map(|a| format!("sf_member({a})")).collect();
            format!("{name}({})", members.join(", "))
        }
    }
}
