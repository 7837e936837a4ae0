//! The header: matches its names to the columns, and detects the delimiter by them.

use super::dialect::Dialect;
use crate::contract::{Contract, ExtraColumns, MissingColumns};
use crate::error::{Error, Result};
use crate::printable;

/// The delimiters that are tried if the contract has none.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The assignment of a row's fields.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Layout {
    /// The field with the operation.
    pub op: Option<usize>,
    /// The field of each column of the contract.
    pub columns: Vec<Option<usize>>,
    /// The number of fields of a row.
    pub fields: usize,
    /// Whether the operation may be omitted, which shifts every other field by one to the left.
    pub is_op_optional: bool,
}

impl Layout {
    /// The layout of files with their fields in the contract's order.
    pub fn by_position(contract: &Contract) -> Self {
        let source = contract.source();
        let mut next = 0;
        let mut take = |is_there: bool| {
            is_there.then(|| {
                next += 1;
                next - 1
            })
        };
        let op = take(source.operation.column.is_some());
        let columns = source
            .columns
            .iter()
            .map(|origin| take(!origin.is_outside_the_rows()))
            .collect();
        Self {
            op,
            columns,
            fields: next,
            is_op_optional: source.operation.is_optional,
        }
    }

    /// Whether the fields are those of the tables, in the same order.
    pub fn is_as_in_the_tables(&self) -> bool {
        let in_order = |(index, field): (usize, &Option<usize>)| *field == Some(index + 1);
        self.op == Some(0)
            && self.fields == self.columns.len() + 1
            && self.columns.iter().enumerate().all(in_order)
    }
}

/// The comparison of a header with a contract.
struct Match {
    layout: Layout,
    found: usize,
    missing: Vec<String>,
    extra: Vec<String>,
    repeated: Vec<String>,
}

impl Match {
    fn of(contract: &Contract, names: &[String]) -> Self {
        let source = contract.source();
        let mut fields: Vec<Option<String>> = names.iter().map(|name| Some(folded(name))).collect();
        let mut result = Self {
            layout: Layout {
                fields: names.len(),
                ..Layout::default()
            },
            found: 0,
            missing: Vec::new(),
            extra: Vec::new(),
            repeated: Vec::new(),
        };
        let mut find = |name: &str, is_needed: bool| {
            let wanted = folded(name);
            let mut places = (0..fields.len()).filter(|at| fields[*at].as_deref() == Some(&wanted));
            let first = places.next();
            if places.next().is_some() {
                result.repeated.push(name.to_owned());
            }
            match first {
                Some(_) => {
                    result.found += 1;
                    for field in fields
                        .iter_mut()
                        .filter(|field| field.as_deref() == Some(&wanted))
                    {
                        *field = None;
                    }
                }
                None if is_needed => result.missing.push(name.to_owned()),
                None => {}
            }
            first
        };
        if let Some(column) = &source.operation.column {
            result.layout.op = find(column, !source.operation.is_optional);
        }
        let may_be_missing = source.missing_columns != MissingColumns::Refuse;
        for (index, (column, origin)) in contract.columns().iter().zip(&source.columns).enumerate()
        {
            let name = origin.from.as_deref().unwrap_or(&column.name);
            let has_value = origin.default.is_some();
            let is_needed = !has_value
                && (!may_be_missing
                    || contract.is_always_filled(index)
                    || column.required && source.missing_columns == MissingColumns::Null);
            let field = if origin.is_outside_the_rows() {
                None
            } else {
                find(name, is_needed)
            };
            result.layout.columns.push(field);
        }
        let ignored: Vec<String> = source.ignored.iter().map(|name| folded(name)).collect();
        for (name, field) in names.iter().zip(&fields) {
            if field.as_ref().is_some_and(|field| !ignored.contains(field)) {
                result.extra.push(name.trim().to_owned());
            }
        }
        if source.extra_columns == ExtraColumns::Ignore {
            result.extra.clear();
        }
        result
    }

    fn fits(&self) -> bool {
        self.missing.is_empty() && self.extra.is_empty() && self.repeated.is_empty()
    }
}

/// A name in lower case, without surrounding blanks.
pub(super) fn folded(name: &str) -> String {
    name.trim_matches(|char: char| char.is_whitespace() || char == '\u{feff}')
        .to_lowercase()
}

/// Finds the layout of a file with this header line, and its delimiter unless that is certain.
///
/// # Errors
/// `Config` if the names are not the contract's, with the first difference.
pub(super) fn read(
    contract: &Contract,
    line: &[u8],
    usual: Dialect,
    is_sure: bool,
) -> Result<(Dialect, Layout)> {
    let candidates = if is_sure {
        vec![usual.delimiter]
    } else {
        DELIMITERS.to_vec()
    };
    let mut matches: Vec<(Dialect, Match)> = candidates
        .into_iter()
        .map(|delimiter| {
            let dialect = Dialect { delimiter, ..usual };
            (dialect, Match::of(contract, &names(line, dialect)))
        })
        .collect();
    // Of equal matches, the last one is chosen, which is the comma.
    matches.reverse();
    let fitting = matches.iter().filter(|(_, found)| found.fits());
    let best = fitting
        .max_by_key(|(_, found)| found.found)
        .or_else(|| matches.iter().max_by_key(|(_, found)| found.found));
    let Some((dialect, best)) = best else {
        return Err(Error::bug("a header was compared with no delimiter"));
    };
    if best.fits() {
        return Ok((*dialect, best.layout.clone()));
    }
    Err(Error::config(difference(contract, *dialect, best)))
}

/// The names in a header line, without empty ones at its end.
pub(super) fn names(line: &[u8], dialect: Dialect) -> Vec<String> {
    let mut names = vec![Vec::new()];
    let mut is_quoted = false;
    let mut bytes = line.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let Some(name) = names.last_mut() else { break };
        let is_quote = Some(byte) == dialect.quote;
        if is_quote && is_quoted && bytes.next_if_eq(&byte).is_some() {
            name.push(byte);
        } else if is_quote && (is_quoted || name.trim_ascii().is_empty()) {
            if !is_quoted {
                name.clear();
            }
            is_quoted = !is_quoted;
        } else if byte == dialect.delimiter && !is_quoted {
            names.push(Vec::new());
        } else {
            name.push(byte);
        }
    }
    while names.len() > 1
        && names
            .last()
            .is_some_and(|name| name.trim_ascii().is_empty())
    {
        names.pop();
    }
    names
        .iter()
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect()
}

/// The difference, and its fix in the contract.
fn difference(contract: &Contract, dialect: Dialect, found: &Match) -> String {
    let list = |names: &[String]| {
        let shown: Vec<String> = names
            .iter()
            .take(5)
            .map(|name| format!("`{}`", printable(name)))
            .collect();
        let more = names.len().saturating_sub(shown.len());
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        format!("{}{more}", shown.join(", "))
    };
    if found.found == 0 {
        // A file without a header begins with data, which an error must not show.
        return format!(
            "the header has none of the contract's columns: the first line has {} fields, expected the names {}. If the file has no header, put `header = \"none\"` under [source] in the contract",
            found.layout.fields,
            contract.header().collect::<Vec<_>>().join(", ")
        );
    }
    let mut parts = Vec::new();
    let mut fixes = Vec::new();
    if !found.repeated.is_empty() {
        parts.push(format!("it has {} twice", list(&found.repeated)));
    }
    if !found.missing.is_empty() {
        parts.push(format!("it lacks {}", list(&found.missing)));
        fixes.push("`missing_columns = \"null\"`");
    }
    if !found.extra.is_empty() {
        parts.push(format!("the contract has no column {}", list(&found.extra)));
        fixes.push("`extra_columns = \"ignore\"`");
    }
    if dialect.delimiter != b',' {
        let name = Dialect::delimiter_name(dialect.delimiter);
        parts.push(format!("it is separated by {name}"));
    }
    let fix = if fixes.is_empty() {
        String::new()
    } else {
        format!(
            ". To load it nevertheless, put {} under [source] in the contract",
            fixes.join(" and ")
        )
    };
    format!(
        "the header differs from the contract: {}{fix}",
        parts.join("; ")
    )
}
