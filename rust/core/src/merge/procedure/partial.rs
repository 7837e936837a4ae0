//! Partial updates: the columns that an update did not give keep the values of the version before.
//!
//! A stored row is already complete, so the first row of a key, if it is stored, gives the initial values of its successors.

use crate::contract::{Column, Contract};
use crate::merge::expression::{column, given_value, is_given, list, order_list};
use crate::merge::{Identifier, Names};

/// The parts of the versions' query that fill in columns.
pub(super) struct Filled {
    /// Further named queries.
    pub steps: String,
    /// The last of all named queries.
    pub last: &'static str,
    /// Op, columns and Firn's columns of a version.
    pub selected: String,
    /// Whether a stored row's columns have changed.
    pub is_changed: String,
    pub about: &'static str,
}

/// Adds no steps if the contract has no partial updates.
pub(super) fn filled(contract: &Contract, names: &Names) -> Filled {
    let op = Identifier::new(contract.op());
    let carried = names.carried_list("");
    let Some(given_columns) = &names.given_columns else {
        return Filled {
            steps: String::new(),
            last: "with_next",
            selected: format!("{op}, {}, {carried}", list(contract.columns(), "")),
            is_changed: String::new(),
            about: "",
        };
    };
    let selected = contract.columns().iter().enumerate().map(|(index, one)| {
        if contract.is_always_filled(index) {
            column(one).to_string()
        } else {
            format!("_firn_state_{index}")
        }
    });
    let selected: Vec<String> = selected.collect();
    let values = || {
        let columns = contract.columns().iter().enumerate();
        columns.filter(|(index, _)| !contract.is_always_filled(*index))
    };
    let changed: Vec<String> = values()
        .map(|(index, one)| format!("{} is distinct from _firn_state_{index}", column(one)))
        .collect();
    Filled {
        steps: steps(contract, names, &given_columns.to_string(), values),
        last: "states",
        selected: format!("{op}, {}, {carried}", selected.join(", ")),
        is_changed: format!(" or ({})", changed.join(" or ")),
        about: "\n  -- A column that an update did not give is as it was just before it, so a late event may change the versions after it.",
    }
}

fn steps<'c, I: Iterator<Item = (usize, &'c Column)>>(
    contract: &Contract,
    names: &Names,
    given_columns: &str,
    values: impl Fn() -> I,
) -> String {
    let op = Identifier::new(contract.op());
    let over = format!(
        "partition by {}, _firn_rank = 1 order by {}",
        list(contract.key(), ""),
        order_list(contract, names, "")
    );
    let until_here = format!("({over} rows between unbounded preceding and current row)");
    let gives = values().map(|(index, one)| {
        let is_given = is_given(given_columns, one);
        format!("      _firn_place = 1 or {is_given} as _firn_gives_{index}")
    });
    let filled = values().map(|(index, one)| {
        let name = column(one);
        format!(
            "      max(iff(_firn_gives_{index}, _firn_place, null)) over {until_here} as _firn_given_at_{index},
      max(iff(_firn_gives_{index} and {op} <> 'D' and {name} is not null, _firn_place, null)) over {until_here} as _firn_filled_at_{index},
      last_value(iff(_firn_gives_{index} and {op} <> 'D', {name}, null)) ignore nulls over {until_here} as _firn_value_{index}"
        )
    });
    let states = values().map(|(index, one)| {
        format!(
            "      case
        when _firn_rank > 1 then {given_value}
        when _firn_gives_{index} then {name}
        when _firn_given_at_{index} = _firn_filled_at_{index} then _firn_value_{index}
      end as _firn_state_{index}",
            given_value = given_value(names, "", one),
            name = column(one),
        )
    });
    let lines = |lines: &mut dyn Iterator<Item = String>| lines.collect::<Vec<_>>().join(",\n");
    format!(
        ",
  placed as (
    select with_next.*, row_number() over ({over}) as _firn_place
    from with_next
  ),
  gave as (
    select placed.*,
{gives}
    from placed
  ),
  filled as (
    select gave.*,
{filled}
    from gave
  ),
  states as (
    select filled.*,
{states}
    from filled
  )",
        gives = lines(&mut { gives }),
        filled = lines(&mut { filled }),
        states = lines(&mut { states }),
    )
}
