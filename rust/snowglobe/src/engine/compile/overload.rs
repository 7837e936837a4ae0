//! Chooses the macro for everything but `TIMESTAMP_TZ` where DuckDB cannot: it picks an overload before it knows what type an
//! aggregate, a window or a subquery has, and then takes the one for intervals. It knows text, neither types nor tables.

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

/// A parenthesis that is open.
struct Open {
    /// Where the name before it ends, if that is an overloaded macro.
    macro_end: Option<usize>,
    is_late: bool,
}

/// DuckDB's SQL with `_any` behind the macros that hold something untyped.
pub(super) fn settle(sql: &str) -> String {
    let bytes = sql.as_bytes();
    let mut open = vec![Open {
        macro_end: None,
        is_late: false,
    }];
    let mut ends = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\'' | b'"' => at = after_quoted(bytes, at),
            b'(' => {
                open.push(Open {
                    macro_end: None,
                    is_late: false,
                });
                at += 1;
            }
            b')' => {
                close(&mut open, &mut ends);
                at += 1;
            }
            _ if is_word(byte) => {
                let start = at;
                while bytes.get(at).copied().is_some_and(is_word) {
                    at += 1;
                }
                let word = &sql[start..at];
                let is_called = bytes.get(at) == Some(&b'(');
                let is_late = if is_called {
                    is_one_of(BOUND_LATE, word)
                } else {
                    false
                } || word.eq_ignore_ascii_case("select")
                    || word.eq_ignore_ascii_case("over");
                if let Some(around) = open.last_mut() {
                    around.is_late |= is_late;
                }
                if is_called && is_one_of(OVERLOADED, word) {
                    open.push(Open {
                        macro_end: Some(at),
                        is_late: false,
                    });
                    at += 1;
                }
            }
            _ => at += 1,
        }
    }
    with_any(sql, ends)
}

fn close(open: &mut Vec<Open>, ends: &mut Vec<usize>) {
    // The text as a whole stays open.
    if open.len() < 2 {
        return;
    }
    let Some(closed) = open.pop() else { return };
    if !closed.is_late {
        return;
    }
    ends.extend(closed.macro_end);
    if let Some(around) = open.last_mut() {
        around.is_late = true;
    }
}

fn with_any(sql: &str, mut ends: Vec<usize>) -> String {
    ends.sort_unstable();
    let mut text = String::with_capacity(sql.len() + 4 * ends.len());
    let mut from = 0;
    for end in ends {
        text.push_str(&sql[from..end]);
        text.push_str("_any");
        from = end;
    }
    text + &sql[from..]
}

/// Where a text or a quoted name ends; a doubled quote is two of them.
fn after_quoted(bytes: &[u8], start: usize) -> usize {
    let quote = bytes[start];
    let rest = &bytes[start + 1..];
    rest.iter()
        .position(|byte| *byte == quote)
        .map_or(bytes.len(), |length| start + length + 2)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn is_one_of(names: &[&str], word: &str) -> bool {
    names.iter().any(|name| word.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::settle;

    #[test]
    fn what_holds_an_aggregate_a_window_or_a_subquery_is_settled() {
        for (given, settled) in [
            ("sf_text(a)", "sf_text(a)"),
            ("sf_text(max(a))", "sf_text_any(max(a))"),
            ("max(sf_text(a))", "max(sf_text(a))"),
            (
                "sf_text((sf_local(MAX(a)) + 1))",
                "sf_text_any((sf_local_any(MAX(a)) + 1))",
            ),
            (
                "sf_text(first_value(a) OVER (ORDER BY b))",
                "sf_text_any(first_value(a) OVER (ORDER BY b))",
            ),
            ("SELECT sf_text(a) FROM t", "SELECT sf_text(a) FROM t"),
            (
                "sf_text((SELECT sf_text(a) FROM t))",
                "sf_text_any((SELECT sf_text(a) FROM t))",
            ),
            (
                "sf_text('max(') || sf_text(\"MAX(\")",
                "sf_text('max(') || sf_text(\"MAX(\")",
            ),
            (
                "sf_text(')') || sf_text(count(*))",
                "sf_text(')') || sf_text_any(count(*))",
            ),
            ("sf_text(\"MAX\")", "sf_text(\"MAX\")"),
        ] {
            assert_eq!(settle(given), settled);
        }
    }
}
