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

/// What a quotient of anything but columns and literals weighs more than its text.
const NESTED_QUOTIENT: u64 = 8000;

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

/// The quotient of two numbers as Snowflake computes it: exact, unless one of them is a float.
pub fn quotient(dividend: Sql, divisor: Sql) -> Sql {
    computed(dividend, divisor, exact_quotient)
}

/// What `body` makes of a dividend and a divisor, which it writes out often.
fn computed(dividend: Sql, divisor: Sql, body: impl Fn(&[Sql]) -> Sql) -> Sql {
    let args = [dividend.grouped(), divisor.grouped()];
    match args.iter().all(Sql::is_light) {
        true => body(&args),
        // Lambdas within lambdas cost DuckDB more than their text says.
        false => Sql::once(&args, body).heavier(NESTED_QUOTIENT),
    }
}

/// Only DuckDB knows the types of the two.
fn exact_quotient(args: &[Sql]) -> Sql {
    const TEMPLATE: &str = "case when sf_is_float(typeof({0})) or sf_is_float(typeof({1})) \
        then cast_to_type(sf_divide({0}::double, {1}::double), {2}) \
        else cast_to_type(sf_rounded(sf_unscaled({0}) * sf_power(sf_quotient_scale(typeof({0})) - sf_scale(typeof({0})) + sf_scale(typeof({1}))), \
        sf_unscaled({1}))::decimal(38, 0) * cast_to_type('1e-' || sf_quotient_scale(typeof({0})), {3}), {2}) end";
    // Values of the result's type: `round` and `struct_extract` have the type that their constant says.
    const EXACT: &str = "round(null::decimal(38, 37), sf_quotient_scale(typeof({0})))";
    const KIND: &str = "struct_extract(struct_pack(f := null::double, n := {2}), \
        case when sf_is_float(typeof({0})) or sf_is_float(typeof({1})) then 'f' else 'n' end)";
    let [dividend, divisor] = args else {
        return Sql::default();
    };
    let exact = Sql::of(EXACT, args);
    let kind = Sql::of(KIND, &[dividend.clone(), divisor.clone(), exact.clone()]);
    Sql::of(TEMPLATE, &[dividend.clone(), divisor.clone(), kind, exact])
}

/// A quotient that is 0 where the divisor is. In the template, `{0}` is the divisor and `{1}` the quotient.
fn zero_or_quotient(template: &'static str, dividend: &Sql, divisor: &Sql) -> Sql {
    computed(dividend.clone(), divisor.clone(), |args| {
        Sql::of(template, &[args[1].clone(), exact_quotient(args)])
    })
}

/// The mean: a sum by how many it adds up, or null of none.
pub fn average(sum: Sql, count: &Sql) -> Sql {
    let count = Sql::of("nullif({0}, 0)", std::slice::from_ref(count));
    quotient(sum, count)
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
        "concat" => Sql::join(each("sf_text({0})", args), " || "),
        _ => Sql::call(function, &each("sf_member({0})", args)),
    }
}
