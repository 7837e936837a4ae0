//! Snowflake's functions as DuckDB's: renamed, rewritten, or refused.
//!
//! - `tables`: those with another name or a fixed template
//! - `special`: those whose SQL depends on their arguments
//! - `dates`: parts of dates, and what is added to them
//! - `times`: times from texts and as texts, by a format

mod dates;
mod special;
mod tables;
#[cfg(test)]
mod tests;
mod times;

use super::fragment::Sql;
use crate::types::error::{Result, SnowflakeError};

use special::special;
use tables::{RENAMED, REWRITTEN, SAME, VARIADIC};

pub use dates::date_part;
pub use special::object;
#[cfg(test)]
pub(crate) use tests::HOSTILE;
pub use times::{shown_format, time_format};

/// How a function is answered.
#[derive(Debug)]
pub enum Rendering {
    /// By this function of DuckDB's, with the arguments as they are.
    Call(&'static str),
    /// By this SQL.
    Sql(Sql),
}

/// The rendering of a call with rendered arguments.
///
/// # Errors
/// `Unknown function` for what is not known here.
pub fn render(name: &str, args: &[Sql]) -> Result<Rendering> {
    if let Some((_, function)) = VARIADIC.iter().find(|(n, _)| *n == name) {
        return Ok(Rendering::Sql(variadic(function, args)));
    }
    let rewritten = REWRITTEN
        .iter()
        .find(|(n, count, _)| *n == name && *count == args.len());
    if let Some((_, _, template)) = rewritten {
        let args: Vec<Sql> = args.iter().map(|arg| arg.clone().grouped()).collect();
        return Ok(Rendering::Sql(Sql::of(template, &args)));
    }
    if let Some(sql) = special(name, args)? {
        return Ok(Rendering::Sql(sql));
    }
    if let Some((_, new)) = RENAMED.iter().find(|(n, _)| *n == name) {
        return Ok(Rendering::Call(new));
    }
    if let Some(same) = SAME.iter().find(|n| n.eq_ignore_ascii_case(name)) {
        return Ok(Rendering::Call(same));
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

fn variadic(function: &'static str, args: &[Sql]) -> Sql {
    let each = |template: &'static str, args: &[Sql]| -> Vec<Sql> {
        let one = |arg: &Sql| Sql::of(template, std::slice::from_ref(arg));
        args.iter().map(one).collect()
    };
    match function {
        // Null when any argument is.
        "greatest" | "least" => Sql::over(
            args,
            |_| 2,
            |args| {
                let any_null = Sql::join(each("({0}) is null", args), " or ");
                let template = "case when {0} then null else {1} end";
                Sql::of(template, &[any_null, Sql::call(function, args)])
            },
        ),
        "concat" => Sql::join(each("(sf_member({0}))::varchar", args), " || "),
        _ => Sql::call(function, &each("sf_member({0})", args)),
    }
}
