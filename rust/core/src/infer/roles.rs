//! Which columns are the operation, the key and the order.

use super::Hints;
use super::evidence::Evidence;
use super::sample::Sample;
use crate::contract::{ColumnType, Format, Op};
use crate::error::{Error, Result};

/// Names of operation columns, in lower case.
const OPERATIONS: [&str; 9] = [
    "op",
    "operation",
    "__op",
    "_op",
    "optype",
    "op_type",
    "cdc_operation",
    "change_type",
    "_change_type",
];
/// Names of change timestamps, the likeliest first.
const TIMES: [&str; 9] = [
    "updated", "changed", "modified", "commit", "last", "event", "time", "ts", "date",
];
/// Names of sequence numbers that order changes with the same time.
const SEQUENCES: [&str; 6] = ["sequence", "seq", "lsn", "scn", "version", "offset"];

/// The roles, with the evidence for each.
pub(super) struct Roles {
    /// The position of the operation's column.
    pub operation: Option<usize>,
    /// What the operation's values mean; none if Firn already accepts them.
    pub spellings: Option<Vec<(Op, Vec<String>)>>,
    pub key: Vec<String>,
    pub key_reason: String,
    pub order: Vec<String>,
    pub order_reason: String,
}

/// Finds the roles.
///
/// # Errors
/// `Config` for a hint that names no column.
pub(super) fn of(sample: &Sample, hints: &Hints) -> Result<Roles> {
    let operation = operation(sample);
    let (key, key_reason) = if hints.key.is_empty() {
        key(sample, operation)
    } else {
        (named(sample, &hints.key, "--key")?, "as given".to_owned())
    };
    let (order, order_reason) = if hints.order.is_empty() {
        order(sample, &key)
    } else {
        (
            named(sample, &hints.order, "--order")?,
            "as given".to_owned(),
        )
    };
    Ok(Roles {
        spellings: operation.and_then(|at| spellings(&sample.columns[at])),
        operation,
        key,
        key_reason,
        order,
        order_reason,
    })
}

fn named(sample: &Sample, names: &[String], option: &str) -> Result<Vec<String>> {
    let find = |name: &String| {
        let same = |one: &&Evidence| one.name.eq_ignore_ascii_case(name);
        let found = sample.columns.iter().find(same);
        found.map(|one| one.name.clone()).ok_or_else(|| {
            let all: Vec<&str> = sample.columns.iter().map(|one| one.name.as_str()).collect();
            Error::config(format!(
                "{option}: file has no column `{name}`: expected some of {}",
                all.join(", ")
            ))
        })
    };
    names.iter().map(find).collect()
}

fn operation(sample: &Sample) -> Option<usize> {
    let is_operation = |one: &Evidence| {
        let few = one.values > 0 && one.short.values().sum::<u64>() == one.values;
        few && one.short.keys().all(|text| meaning(text).is_some())
    };
    let by_name = sample.columns.iter().position(|one| {
        OPERATIONS.contains(&one.name.to_lowercase().as_str()) && is_operation(one)
    });
    let first = || {
        let first = sample.columns.first()?;
        (!sample.has_header && is_operation(first)).then_some(0)
    };
    by_name.or_else(first)
}

fn meaning(text: &str) -> Option<Op> {
    match text.to_lowercase().as_str() {
        "i" | "c" | "r" | "insert" | "inserted" | "create" | "read" => Some(Op::Insert),
        "u" | "update" | "updated" | "upsert" | "update_postimage" => Some(Op::Update),
        "d" | "delete" | "deleted" | "remove" => Some(Op::Delete),
        _ => None,
    }
}

fn spellings(column: &Evidence) -> Option<Vec<(Op, Vec<String>)>> {
    let is_known = |text: &String| Op::parse(text.as_bytes()).is_some();
    if column.short.keys().all(is_known) {
        return None;
    }
    let of = |op: Op| {
        let texts = column.short.keys().filter(|text| meaning(text) == Some(op));
        (op, texts.cloned().collect::<Vec<_>>())
    };
    Some([Op::Insert, Op::Update, Op::Delete].map(of).to_vec())
}

fn key(sample: &Sample, operation: Option<usize>) -> (Vec<String>, String) {
    let is_candidate = |(at, one): &(usize, &Evidence)| {
        let kind = one.proposal().kind;
        let is_time = matches!(
            kind,
            ColumnType::Timestamp | ColumnType::Date | ColumnType::Boolean
        );
        Some(*at) != operation && one.nulls == 0 && !one.is_nested && !is_time && one.values > 0
    };
    let mut candidates: Vec<&Evidence> = sample
        .columns
        .iter()
        .enumerate()
        .filter(is_candidate)
        .map(|(_, one)| one)
        .collect();
    // The likeliest first; ties by the order in the file.
    candidates.sort_by_key(|one| {
        let name = one.name.to_lowercase();
        let is_named = name == "id" || name.ends_with("_id") || name.ends_with(" id");
        let is_like = ["id", "key", "code", "sku", "uuid", "number"]
            .iter()
            .any(|end| name.ends_with(end));
        let is_sequence = SEQUENCES.contains(&name.as_str());
        (
            is_sequence,
            operation.is_none() && !one.is_unique(),
            !is_named,
            !is_like,
        )
    });
    let Some(best) = candidates.first() else {
        return (
            Vec::new(),
            "no column without nulls: name the key with --key".to_owned(),
        );
    };
    let mut reason = if best.is_unique() {
        format!("{0} of {0} values are distinct", best.values)
    } else {
        "has a value in every row".to_owned()
    };
    let others: Vec<&str> = candidates[1..]
        .iter()
        .take(3)
        .map(|one| one.name.as_str())
        .collect();
    if !others.is_empty() {
        reason.push_str(&format!("; other candidates: {}", others.join(", ")));
    }
    (vec![best.name.clone()], reason)
}

fn order(sample: &Sample, key: &[String]) -> (Vec<String>, String) {
    if sample.format == Format::Debezium {
        return (
            vec!["changed_at".to_owned()],
            "when the source changed the row".to_owned(),
        );
    }
    let is_free = |one: &&Evidence| one.nulls == 0 && one.values > 0 && !key.contains(&one.name);
    let is_time = |one: &&Evidence| one.proposal().kind == ColumnType::Timestamp;
    let rank = |one: &&Evidence| {
        let name = one.name.to_lowercase();
        TIMES
            .iter()
            .position(|part| name.contains(part))
            .unwrap_or(TIMES.len())
    };
    let times = sample.columns.iter().filter(is_free).filter(is_time);
    let Some(time) = times.min_by_key(rank) else {
        return (
            Vec::new(),
            "no column has a time in every row: name the column that orders changes with --order"
                .to_owned(),
        );
    };
    let is_sequence = |one: &&Evidence| {
        let is_whole = matches!(one.proposal().kind, ColumnType::Number { scale: 0, .. });
        is_whole && SEQUENCES.contains(&one.name.to_lowercase().as_str())
    };
    let sequence = sample.columns.iter().filter(is_free).find(is_sequence);
    let names = std::iter::once(time)
        .chain(sequence)
        .map(|one| one.name.clone());
    (
        names.collect(),
        "times of the changes; the first dates a version".to_owned(),
    )
}
