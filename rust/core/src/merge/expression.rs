//! SQL for one column or one row: the fault of a text, its typed value, and a row as one line.

use super::{Identifier, Names, literal};
use crate::contract::{Column, ColumnType, Contract, Op, Position};

/// The text format of timestamps: fixed, so that no session setting can change a comparison.
const TIMESTAMP_TEXT: &str = "'YYYY-MM-DD HH24:MI:SS.FF6'";

/// The same for instants.
const INSTANT_TEXT: &str = "'YYYY-MM-DD HH24:MI:SS.FF6 TZH:TZM'";

pub(super) fn column(column: &Column) -> Identifier {
    Identifier::new(&column.name)
}

/// `alias.column`.
pub(super) fn of(alias: &str, named: &Column) -> String {
    format!("{alias}.{}", column(named))
}

/// The columns, each with `prefix` before it, joined by commas.
pub(super) fn list<'a>(columns: impl IntoIterator<Item = &'a Column>, prefix: &str) -> String {
    columns
        .into_iter()
        .map(|one| format!("{prefix}{}", column(one)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The columns that are not part of the key.
pub(super) fn others(contract: &Contract) -> impl Iterator<Item = &Column> {
    contract
        .columns()
        .iter()
        .enumerate()
        .filter(|(index, _)| !contract.is_key(*index))
        .map(|(_, one)| one)
}

/// The columns that order the events of a key, each with `prefix` before it, joined by commas.
pub(crate) fn order_list(contract: &Contract, names: &Names, prefix: &str) -> String {
    let columns = list(contract.order(), prefix);
    if contract.is_ordered_by_row() {
        format!(
            "{columns}, {prefix}{}, {prefix}{}",
            names.source_file, names.source_row
        )
    } else {
        columns
    }
}

/// Whether two events have the same key and order.
pub(super) fn same_place(contract: &Contract, names: &Names, left: &str, right: &str) -> String {
    let columns = equal(contract.key().chain(contract.order()), left, right);
    if contract.is_ordered_by_row() {
        let (file, row) = (&names.source_file, &names.source_row);
        format!("{columns} and {left}.{file} = {right}.{file} and {left}.{row} = {right}.{row}")
    } else {
        columns
    }
}

/// Whether an event gave a column: it gave every column unless it lists the given ones.
pub(super) fn is_given(given_columns: &str, column: &Column) -> String {
    let name = literal(&format!(",{},", column.name));
    format!("coalesce(contains(',' || {given_columns} || ',', {name}), true)")
}

/// The value that an event gave for a column, null if none.
pub(super) fn given_value(names: &Names, prefix: &str, one: &Column) -> String {
    let value = format!("{prefix}{}", column(one));
    match &names.given_columns {
        Some(given) => format!(
            "iff({}, {value}, null)",
            is_given(&format!("{prefix}{given}"), one)
        ),
        None => value,
    }
}

/// `left.a = right.a and left.b = right.b`.
pub(super) fn equal<'a>(
    columns: impl IntoIterator<Item = &'a Column>,
    left: &str,
    right: &str,
) -> String {
    let pairs = columns
        .into_iter()
        .map(|one| format!("{} = {}", of(left, one), of(right, one)));
    pairs.collect::<Vec<_>>().join(" and ")
}

/// `(left.a is distinct from right.a or left.b is distinct from right.b)`: null is a value like any other.
pub(super) fn differ<'a>(
    columns: impl IntoIterator<Item = &'a Column>,
    left: &str,
    right: &str,
) -> String {
    let pairs = columns
        .into_iter()
        .map(|one| format!("{} is distinct from {}", of(left, one), of(right, one)));
    format!("({})", pairs.collect::<Vec<_>>().join(" or "))
}

/// A row's values as one CSV line (an empty text is `""`, a null is an empty field).
pub(super) fn line(contract: &Contract, alias: &str) -> String {
    let fields = contract
        .columns()
        .iter()
        .map(|one| field(&of(alias, one), one.kind));
    fields.collect::<Vec<_>>().join("\n          || ',' || ")
}

/// An untyped row as one CSV line with its op.
pub(super) fn text_line(contract: &Contract, alias: &str) -> String {
    let text = ColumnType::Text { max_chars: 1 };
    let op = field(&format!("{alias}.{}", Identifier::new(contract.op())), text);
    let fields = contract
        .columns()
        .iter()
        .map(|one| field(&of(alias, one), text));
    std::iter::once(op)
        .chain(fields)
        .collect::<Vec<_>>()
        .join("\n          || ',' || ")
}

fn field(value: &str, kind: ColumnType) -> String {
    match kind {
        ColumnType::Text { .. } => {
            format!("coalesce('\"' || replace({value}, '\"', '\"\"') || '\"', '')")
        }
        ColumnType::Timestamp => format!("coalesce(to_varchar({value}, {TIMESTAMP_TEXT}), '')"),
        ColumnType::OffsetTimestamp | ColumnType::Instant => {
            format!("coalesce(to_varchar({value}, {INSTANT_TEXT}), '')")
        }
        ColumnType::Time => format!("coalesce({}, '')", time_text(value)),
        ColumnType::Binary { .. } => format!("coalesce(to_varchar({value}, 'HEX'), '')"),
        ColumnType::Json => {
            format!("coalesce('\"' || replace(to_json({value}), '\"', '\"\"') || '\"', '')")
        }
        ColumnType::Date => format!("coalesce(to_varchar({value}, 'YYYY-MM-DD'), '')"),
        ColumnType::Number { .. } | ColumnType::Boolean | ColumnType::Float => {
            format!("coalesce(cast({value} as varchar), '')")
        }
    }
}

/// A time of day as text, independent of the session's format.
pub(crate) fn time_text(value: &str) -> String {
    format!("to_varchar(timestamp_ntz_from_parts('1970-01-01'::date, {value}), 'HH24:MI:SS.FF6')")
}

/// The branches of a `case` that give the first fault of a row of text.
pub(super) fn complaints(contract: &Contract, names: &Names, alias: &str) -> Vec<String> {
    let op = format!("{alias}.{}", Identifier::new(contract.op()));
    let spellings: Vec<String> = Op::SPELLINGS
        .iter()
        .map(|(text, _)| literal(text))
        .collect();
    let mut branches = vec![format!(
        "when {op} is null or {op} not in ({}) then {}",
        spellings.join(", "),
        literal(&contract.unknown_op_reason())
    )];
    for (index, one) in contract.columns().iter().enumerate() {
        let value = of(alias, one);
        if contract.is_always_filled(index) {
            branches.push(format!(
                "when {value} is null then {}",
                literal(&one.missing_reason())
            ));
        } else if one.required {
            let given = names.given_columns.as_ref().map(|given| {
                let is_given = is_given(&format!("{alias}.{given}"), one);
                format!(" and {is_given}")
            });
            branches.push(format!(
                "when {value} is null and {op} not in ('D', 'd'){} then {}",
                given.unwrap_or_default(),
                literal(&one.missing_reason())
            ));
        }
        if let Some(pattern) = one.position.and_then(Position::pattern) {
            branches.push(format!(
                "when not regexp_like({value}, '{pattern}') then {}",
                literal(&one.invalid_value_reason())
            ));
        }
        if one.kind == ColumnType::Timestamp {
            branches.push(format!(
                "when regexp_like({value}, '[^.]+[.][0-9]{{7,}}Z?') then {}",
                literal(&one.too_precise_reason())
            ));
        }
        branches.push(format!(
            "when {} then {}",
            is_invalid(&value, one.kind),
            literal(&one.invalid_value_reason())
        ));
    }
    if let Some(seconds) = contract.source().max_ahead {
        let changed_at = contract.changed_at();
        branches.push(format!(
            "when {} > dateadd(second, {seconds}, sysdate()) then {}",
            typed(&of(alias, changed_at), changed_at.kind),
            literal(&changed_at.ahead_reason(seconds))
        ));
    }
    branches
}

/// True if a text that is not null is not valid for its type. The pattern is checked first, as `try_to_…` alone would round,
/// drop an offset or read a bare number as seconds.
fn is_invalid(value: &str, kind: ColumnType) -> String {
    let unlike = |pattern: &str, cast: String| {
        format!("{value} is not null and (not regexp_like({value}, '{pattern}') or {cast} is null)")
    };
    match kind {
        ColumnType::Text { max_chars } => format!("length({value}) > {max_chars}"),
        ColumnType::Number { precision, scale } => {
            unlike(&number_pattern(precision, scale), typed(value, kind))
        }
        ColumnType::Boolean => format!("lower({value}) not in ('true', 'false')"),
        ColumnType::OffsetTimestamp | ColumnType::Instant => unlike(
            "[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{6} [+-][0-9]{2}:[0-9]{2}",
            typed(value, kind),
        ),
        ColumnType::Time => unlike(
            "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?",
            typed(value, kind),
        ),
        ColumnType::Float => unlike(
            "[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?",
            typed(value, kind),
        ),
        ColumnType::Binary { max_bytes } => {
            let is_not_hex = unlike("([0-9A-Fa-f]{2})*", typed(value, kind));
            format!(
                "length({value}) > {} or ({is_not_hex})",
                u64::from(max_bytes) * 2
            )
        }
        ColumnType::Json => {
            format!("{value} is not null and try_parse_json({value}) is null")
        }
        ColumnType::Date => unlike("[0-9]{4}-[0-9]{2}-[0-9]{2}", typed(value, kind)),
        ColumnType::Timestamp => unlike(
            "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?Z?",
            typed(value, kind),
        ),
    }
}

fn number_pattern(precision: u8, scale: u8) -> String {
    let whole = precision - scale;
    match (whole, scale) {
        (whole, 0) => format!("-?[0-9]{{1,{whole}}}"),
        (0, scale) => format!("-?0?[.][0-9]{{1,{scale}}}"),
        (whole, scale) => format!("-?[0-9]{{1,{whole}}}([.][0-9]{{1,{scale}}})?"),
    }
}

/// The typed value of a text, null if it has none.
pub(super) fn typed(value: &str, kind: ColumnType) -> String {
    match kind {
        ColumnType::Text { .. } => value.to_owned(),
        ColumnType::Number { precision, scale } => {
            format!("try_to_number({value}, {precision}, {scale})")
        }
        ColumnType::Boolean => format!("try_to_boolean({value})"),
        ColumnType::OffsetTimestamp => format!("try_to_timestamp_tz({value}, {INSTANT_TEXT})"),
        ColumnType::Instant => format!("try_to_timestamp_ltz({value}, {INSTANT_TEXT})"),
        ColumnType::Time => format!("try_to_time({value})"),
        ColumnType::Float => format!("try_to_double({value})"),
        ColumnType::Binary { .. } => format!("try_to_binary({value}, 'HEX')"),
        ColumnType::Json => format!("try_parse_json({value})"),
        ColumnType::Date => format!("try_to_date({value}, 'YYYY-MM-DD')"),
        ColumnType::Timestamp => {
            format!("try_to_timestamp_ntz(replace(replace({value}, 'T', ' '), 'Z', ''))")
        }
    }
}

/// The letter that the tables store for any spelling of an op.
pub(super) fn op_letter(value: &str) -> String {
    let branches = Op::SPELLINGS
        .iter()
        .filter(|(text, op)| *text != op.letter())
        .map(|(text, op)| format!("when '{text}' then '{}'", op.letter()));
    format!(
        "case {value} {} else {value} end",
        branches.collect::<Vec<_>>().join(" ")
    )
}

/// The precedence of different events with the same key and order: a delete first, then the greater values.
pub(super) fn precedence(contract: &Contract, names: &Names) -> String {
    let given = names.given_columns.as_ref();
    let values = contract
        .columns()
        .iter()
        .enumerate()
        .filter(|(index, _)| !contract.is_always_filled(*index))
        .map(|(_, one)| given_value(names, "", one))
        .chain(given.map(Identifier::to_string))
        .map(|value| format!("{value} desc nulls last"));
    let op = Identifier::new(contract.op());
    std::iter::once(format!("iff({op} = 'D', 1, 0) desc"))
        .chain(values)
        .chain(std::iter::once(format!("{op} desc")))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_without_whole_digits_has_its_own_pattern() {
        assert_eq!(number_pattern(18, 0), "-?[0-9]{1,18}");
        assert_eq!(number_pattern(12, 2), "-?[0-9]{1,10}([.][0-9]{1,2})?");
        assert_eq!(number_pattern(4, 4), "-?0?[.][0-9]{1,4}");
    }
}
