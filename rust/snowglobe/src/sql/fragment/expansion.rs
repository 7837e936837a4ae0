//! How large a call gets once DuckDB has written out Snowglobe's macros, which it does before it binds or folds anything; and which of them have an
//! overload that DuckDB cannot choose by itself.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::pieces::{Piece, weigh};

/// The macros, as DuckDB is given them.
const SOURCES: [&str; 2] = [
    include_str!("../../engine/storage/prelude.sql"),
    include_str!("../../engine/storage/timestamp_tz.sql"),
];

/// How often a macro writes out each of its parameters, and how much it adds of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Growth {
    pub(super) uses: Vec<u64>,
    pub(super) own: u64,
}

type Macros = HashMap<String, Growth>;

static MACROS: LazyLock<Macros> = LazyLock::new(read);

/// The macros of `timestamp_tz.sql` that have an overload for `TIMESTAMP_TZ`, or use one that has, and with `_any` one for what is untyped.
const OVERLOADED: &[&str] = &[
    "sf_beside",
    "sf_convert_timezone",
    "sf_date_diff",
    "sf_date_trunc",
    "sf_instant",
    "sf_local",
    "sf_member",
    "sf_shift",
    "sf_strftime",
    "sf_summand",
    "sf_text",
    "sf_timestamp",
    "sf_timestamp_ltz",
    "sf_timestamp_tz",
    "sf_to_array",
    "sf_variant",
];

/// What DuckDB binds later than the macros around it. A name too many costs a `TIMESTAMP_TZ` a refusal and others nothing.
const BOUND_LATE: &[&str] = &[
    "any_value",
    "approx_count_distinct",
    "approx_quantile",
    "approx_top_k",
    "arbitrary",
    "arg_max",
    "arg_max_null",
    "arg_min",
    "arg_min_null",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "count_if",
    "covar_pop",
    "covar_samp",
    "dense_rank",
    "cume_dist",
    "first",
    "first_value",
    "group_concat",
    "histogram",
    "json_group_array",
    "json_group_object",
    "kurtosis",
    "kurtosis_pop",
    "lag",
    "last",
    "last_value",
    "lead",
    "list",
    "listagg",
    "mad",
    "max",
    "max_by",
    "mean",
    "median",
    "min",
    "min_by",
    "mode",
    "nth_value",
    "ntile",
    "percent_rank",
    "product",
    "quantile",
    "quantile_cont",
    "quantile_disc",
    "rank",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "row_number",
    "skewness",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
];

/// Whether `name_any` is the macro for what has no type yet.
pub(super) fn is_overloaded(name: &str) -> bool {
    OVERLOADED.contains(&name)
}

/// Whether DuckDB binds a call of it later than the macros around it.
pub(super) fn is_bound_late(name: &str) -> bool {
    BOUND_LATE
        .iter()
        .any(|late| name.eq_ignore_ascii_case(late))
}

/// The weight of a call of `name` whose arguments have these weights; without a name, of a parenthesis.
pub(super) fn of(name: &str, arguments: &[u64]) -> u64 {
    grown(&MACROS, name, arguments)
}

/// The weight of the arguments alone, as often as a call of `name` writes them out.
pub(super) fn repeated_in(name: &str, arguments: &[u64]) -> u64 {
    repeated(&MACROS, name, arguments)
}

fn grown(macros: &Macros, name: &str, arguments: &[u64]) -> u64 {
    let own = macros
        .get(name)
        .map_or(u64::from(!name.is_empty()), |g| g.own);
    own.saturating_add(repeated(macros, name, arguments))
}

fn repeated(macros: &Macros, name: &str, arguments: &[u64]) -> u64 {
    let growth = macros.get(name);
    let each = arguments.iter().enumerate().map(|(at, weight)| {
        let uses = growth.and_then(|g| g.uses.get(at)).copied().unwrap_or(1);
        weight.saturating_mul(uses)
    });
    each.fold(0, u64::saturating_add)
}

fn read() -> Macros {
    let mut macros = Macros::new();
    for source in SOURCES {
        let lines = source.lines().filter(|l| !l.trim_start().starts_with("--"));
        let source: String = lines.collect::<Vec<_>>().join("\n");
        for statement in split(&source, ';') {
            let Some(definition) = statement.trim().strip_prefix("create or replace macro ") else {
                continue;
            };
            let name_end = definition
                .find(['(', ' ', '\n'])
                .unwrap_or(definition.len());
            let (name, overloads) = definition.split_at(name_end);
            let overloads = split(overloads, ',').into_iter().filter_map(overload);
            let growths: Vec<Growth> = overloads
                .map(|(parameters, body)| growth(&macros, &parameters, body))
                .collect();
            macros.insert(name.to_owned(), largest(&growths));
        }
    }
    macros
}

/// `(x interval, span) as body`
fn overload(text: &str) -> Option<(Vec<&str>, &str)> {
    let (parameters, body) = text.trim().strip_prefix('(')?.split_once(") as ")?;
    let names = parameters
        .split(',')
        .filter_map(|p| p.split_whitespace().next());
    Some((names.collect(), body))
}

/// The parts between separators outside of quotes and parentheses.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut is_quoted) = (Vec::new(), 0, 0_i32, false);
    for (at, c) in text.char_indices() {
        match c {
            '\'' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ if c == separator && depth == 0 => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn growth(macros: &Macros, parameters: &[&str], body: &str) -> Growth {
    let uses = |parameter: &&str| {
        weigh(
            body,
            |piece| u64::from(piece == Piece::Word(parameter)),
            |name, weights| repeated(macros, name, weights),
        )
    };
    let is_own =
        |piece: Piece<'_>| matches!(piece, Piece::Word(word) if !parameters.contains(&word));
    let own = weigh(
        body,
        |piece| u64::from(is_own(piece)),
        |name, weights| grown(macros, name, weights),
    );
    Growth {
        uses: parameters.iter().map(uses).collect(),
        own,
    }
}

/// DuckDB chooses one of the overloads: it may be the largest.
fn largest(growths: &[Growth]) -> Growth {
    let width = growths.iter().map(|g| g.uses.len()).max().unwrap_or(0);
    let uses = |at: usize| growths.iter().filter_map(|g| g.uses.get(at)).max().copied();
    Growth {
        uses: (0..width).map(|at| uses(at).unwrap_or(0)).collect(),
        own: growths.iter().map(|g| g.own).max().unwrap_or(0),
    }
}
