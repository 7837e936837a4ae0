//! The expected tables, computed in a simple and slow way: without SQL and without code of the merge.

use std::collections::{BTreeMap, BTreeSet};

use super::fixture::Event;

/// Positions of `op, key, value, value, updated_at, sequence` in the events of these tests.
const KEY: usize = 1;
const AT: usize = 4;
const SEQUENCE: usize = 5;

/// The contract of these events: small, as the fold does not depend on the number of columns.
pub const CONTRACT: &str = r#"
table = "ITEM"
op = "op"
key = ["id"]
order = ["changed_at", "sequence"]
columns = [
    { name = "id", type = "NUMBER(9,0)" },
    { name = "name", type = "VARCHAR(50)" },
    { name = "price", type = "NUMBER(9,2)" },
    { name = "changed_at", type = "TIMESTAMP_NTZ(6)" },
    { name = "sequence", type = "NUMBER(9,0)" },
]
"#;

#[derive(Debug, Default, Eq, PartialEq)]
pub struct Folded {
    /// `op|id|name|price|changed_at|sequence|valid_to`
    pub history: Vec<String>,
    /// `id|name|price|changed_at|sequence`
    pub target: Vec<String>,
    /// Losers of ties.
    pub lost: usize,
}

fn number(cell: &Option<String>) -> Option<i64> {
    cell.as_ref()
        .map(|text| text.parse().expect("the tests write whole numbers"))
}

fn shown(cell: &Option<String>) -> &str {
    cell.as_deref().unwrap_or("null")
}

pub fn fold(events: &[Event]) -> Folded {
    // A set, as repetitions have no effect.
    let distinct: BTreeSet<&Event> = events.iter().collect();
    let mut winners: BTreeMap<(i64, String, i64), &Event> = BTreeMap::new();
    let mut lost = 0;
    for event in distinct {
        let place = (
            number(&event[KEY]).unwrap(),
            shown(&event[AT]).to_owned(),
            number(&event[SEQUENCE]).unwrap(),
        );
        let rank = |event: &Event| {
            (
                event[0].as_deref() == Some("D"),
                event[2].clone(),
                number(&event[3]),
                event[0].clone(),
            )
        };
        match winners.get(&place) {
            Some(held) => {
                lost += 1;
                if rank(event) > rank(held) {
                    winners.insert(place, event);
                }
            }
            None => {
                winners.insert(place, event);
            }
        }
    }
    let mut folded = Folded {
        lost,
        ..Folded::default()
    };
    let ordered: Vec<(&(i64, String, i64), &&Event)> = winners.iter().collect();
    for (index, (place, event)) in ordered.iter().enumerate() {
        let next = ordered
            .get(index + 1)
            .filter(|(next, _)| next.0 == place.0)
            .map(|(next, _)| next.1.as_str());
        let cells: Vec<&str> = event.iter().map(shown).collect();
        folded
            .history
            .push(format!("{}|{}", cells.join("|"), next.unwrap_or("null")));
        if next.is_none() && cells[0] != "D" {
            folded.target.push(cells[1..].join("|"));
        }
    }
    folded.history.sort();
    folded.target.sort();
    folded
}

#[test]
fn the_fold_is_correct_for_a_known_story() {
    let event = |text: &str| {
        text.split('|')
            .map(|cell| Some(cell.to_owned()))
            .collect::<Event>()
    };
    let folded = fold(&[
        event("U|1|b|2|t2|0"),
        event("I|1|a|1|t1|0"),
        event("I|1|a|1|t1|0"),
        event("I|1|A|1|t1|0"),
        event("D|2|x|1|t1|0"),
        event("U|2|y|1|t1|0"),
    ]);
    assert_eq!(
        folded.history,
        ["D|2|x|1|t1|0|null", "I|1|a|1|t1|0|t2", "U|1|b|2|t2|0|null"]
    );
    assert_eq!(
        (folded.target, folded.lost),
        (vec!["1|b|2|t2|0".to_owned()], 2)
    );
}
