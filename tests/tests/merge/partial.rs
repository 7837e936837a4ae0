//! Partial updates: the columns that an update does not give keep the values of that time, in any order of the events.
//!
//! `FIRN_SEED=17` replays only the stream of that seed, `FIRN_RUNS=10000` runs more of them.

use std::collections::BTreeMap;

use firn::contract::Contract;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};

use super::fixture::{Event, Fixture};
use super::properties::{assert_same, variable};

const CONTRACT: &str = r#"
table = "ITEM"
op = "op"
key = ["id"]
order = ["changed_at", "sequence"]
columns = [
    { name = "id", type = "NUMBER(9,0)" },
    { name = "name", type = "VARCHAR(50)", required = true },
    { name = "city", type = "VARCHAR(50)" },
    { name = "note", type = "VARCHAR(50)" },
    { name = "changed_at", type = "TIMESTAMP_NTZ(6)" },
    { name = "sequence", type = "NUMBER(9,0)" },
]
[source]
missing_columns = "unchanged"
"#;

/// Positions in an event: `op, id, name, city, note, changed_at, sequence, given_columns`.
const VALUES: std::ops::Range<usize> = 2..5;
const AT: usize = 5;
const SEQUENCE: usize = 6;
const GIVEN: usize = 7;
const NAMES: [&str; 3] = ["name", "city", "note"];
/// The number of streams per Snowglobe.
const WORLD: u64 = 250;
const BATCHES: usize = 5;

fn contract() -> Contract {
    Contract::parse(CONTRACT).unwrap()
}

fn event(random: &mut StdRng, key: u64) -> Event {
    let op = *["I", "U", "U", "U", "D"].choose(random).unwrap();
    let is_partial = op == "U" && random.random_bool(0.8);
    let given: Vec<bool> = NAMES
        .iter()
        .map(|_| !is_partial || random.random_bool(0.4))
        .collect();
    let values = given.iter().enumerate().map(|(index, is_given)| {
        let value = *[None, Some("a"), Some("b"), Some("")]
            .choose(random)
            .unwrap();
        // Only the first column is required.
        let value = if index == 0 {
            value.or(Some("c"))
        } else {
            value
        };
        value.filter(|_| *is_given).map(str::to_owned)
    });
    let values: Vec<Option<String>> = values.collect();
    let names = NAMES.iter().zip(&given).filter(|(_, is_given)| **is_given);
    let names: Vec<&str> = names.map(|(name, _)| *name).collect();
    let at = format!("2026-01-01 00:00:{:02}.000000", random.random_range(0..5));
    [Some(op.to_owned()), Some(key.to_string())]
        .into_iter()
        .chain(values)
        .chain([Some(at), Some(random.random_range(0..2).to_string())])
        .chain([is_partial.then(|| names.join(","))])
        .collect()
}

/// The expected tables: `op|id|name|city|note|changed_at|sequence|given|valid_to`, and the same of the target without op, given and end.
fn fold(events: &[Event]) -> (Vec<String>, Vec<String>) {
    let rank = |event: &Event| {
        let is_delete = event[0].as_deref() == Some("D");
        (
            is_delete,
            event[VALUES].to_vec(),
            event[GIVEN].clone(),
            event[0].clone(),
        )
    };
    let mut keys: BTreeMap<&str, BTreeMap<(&str, &str), &Event>> = BTreeMap::new();
    let cell = |event: &'_ Event, at: usize| event[at].clone().unwrap_or_else(|| "null".to_owned());
    for event in events {
        let text = |at: usize| event[at].as_deref().unwrap();
        let winner = keys
            .entry(text(1))
            .or_default()
            .entry((text(AT), text(SEQUENCE)))
            .or_insert(event);
        if rank(event) > rank(winner) {
            *winner = event;
        }
    }
    let (mut history, mut target) = (Vec::new(), Vec::new());
    for events in keys.values() {
        let mut state: Vec<Option<String>> = vec![None; NAMES.len()];
        let ends = events.keys().skip(1).map(|(at, _)| *at).chain(["null"]);
        for (event, end) in events.values().zip(ends) {
            let given = event[GIVEN]
                .as_ref()
                .map(|names| names.split(',').collect::<Vec<_>>());
            for (index, name) in NAMES.iter().enumerate() {
                if given.as_ref().is_none_or(|given| given.contains(name)) {
                    state[index] = event[VALUES.start + index].clone();
                }
            }
            let shown = state
                .iter()
                .map(|value| value.clone().unwrap_or_else(|| "null".to_owned()));
            let shown = shown.collect::<Vec<_>>().join("|");
            let row = format!(
                "{}|{shown}|{}|{}",
                cell(event, 1),
                cell(event, AT),
                cell(event, SEQUENCE)
            );
            history.push(format!(
                "{}|{row}|{}|{end}",
                cell(event, 0),
                cell(event, GIVEN)
            ));
            let is_delete = event[0].as_deref() == Some("D");
            if end == "null" && !is_delete {
                target.push(row);
            }
            if is_delete {
                state.fill(None);
            }
        }
    }
    history.sort();
    target.sort();
    (history, target)
}

fn check(fixture: &mut Fixture, events: &[Event]) {
    let (history, target) = fold(events);
    let at = "to_varchar(changed_at, 'YYYY-MM-DD HH24:MI:SS.FF6'), cast(sequence as varchar)";
    let found = fixture.lines(&format!(
        "select op, cast(id as varchar), name, city, note, {at}, given_columns, to_varchar(valid_to, 'YYYY-MM-DD HH24:MI:SS.FF6') from ITEM_HISTORY"
    ));
    assert_same("history", 1, &found, &history);
    let found = fixture.lines(&format!(
        "select cast(id as varchar), name, city, note, {at} from ITEM"
    ));
    assert_same("target", 0, &found, &target);
    let sum = "select (select sum(rows_in) - sum(duplicates) from ITEM_RUNS) - (select count(*) from ITEM_HISTORY) - (select count(*) from ITEM_REJECTS)";
    assert_eq!(fixture.number(sum), 0, "the sum");
}

#[test]
fn partial_updates_in_any_order_split_and_repetition_give_the_fold() {
    let seeds: Vec<u64> = match variable("FIRN_SEED") {
        Some(seed) => vec![seed],
        None => (0..variable("FIRN_RUNS").unwrap_or(1_000)).collect(),
    };
    for world in seeds.chunk_by(|a, b| a / WORLD == b / WORLD) {
        let mut fixture = Fixture::new(contract());
        let mut random = StdRng::seed_from_u64(world[0]);
        let mut events: Vec<Event> = Vec::new();
        for seed in world {
            let mut random = StdRng::seed_from_u64(*seed);
            events.extend((0..random.random_range(1..10)).map(|_| event(&mut random, *seed)));
        }
        events.shuffle(&mut random);
        for batch in events.chunks(events.len().div_ceil(BATCHES)) {
            fixture.land(batch);
            fixture.merge();
        }
        check(&mut fixture, &events);
        events.shuffle(&mut random);
        fixture.land(&events);
        fixture.merge();
        check(&mut fixture, &events);
    }
}

#[test]
fn a_late_full_row_changes_the_columns_that_later_partial_updates_left_unchanged() {
    let mut fixture = Fixture::new(contract());
    let event = |cells: &str| -> Event {
        let cells = cells
            .split('|')
            .map(|cell| (cell != "-").then(|| cell.to_owned()));
        cells.collect()
    };
    let day = |day: u8| format!("2026-01-0{day} 00:00:00");
    let stream = [
        event(&format!("I|1|Ann|Oslo|x|{}|0|-", day(1))),
        event(&format!("U|1|-|Bergen|-|{}|0|city", day(3))),
        event(&format!("U|1|Eve|-|-|{}|0|name", day(4))),
    ];
    for one in &stream {
        fixture.land(std::slice::from_ref(one));
        fixture.merge();
    }
    let history = "select name, city, note, given_columns from ITEM_HISTORY order by changed_at";
    assert_eq!(
        fixture.run(history),
        [
            ["Ann", "Oslo", "x", "null"],
            ["Ann", "Bergen", "x", "city"],
            ["Eve", "Bergen", "x", "name"]
        ]
    );
    fixture.land(&[event(&format!("U|1|Bob|Rome|y|{}|0|-", day(2)))]);
    fixture.merge();
    assert_eq!(
        fixture.run(history),
        [
            ["Ann", "Oslo", "x", "null"],
            ["Bob", "Rome", "y", "null"],
            ["Bob", "Bergen", "y", "city"],
            ["Eve", "Bergen", "y", "name"]
        ]
    );
    assert_eq!(
        fixture.lines("select name, city, note from ITEM"),
        ["Eve|Bergen|y"]
    );
}

#[test]
fn a_partial_update_of_a_missing_key_creates_it() {
    let mut fixture = Fixture::new(contract());
    let event = |op: &str, given: Option<&str>, city: Option<&str>, day: u8| -> Event {
        let at = format!("2026-01-0{day} 00:00:00");
        let cells = [
            Some(op),
            Some("1"),
            None,
            city,
            None,
            Some(&at),
            Some("0"),
            given,
        ];
        cells.map(|cell| cell.map(str::to_owned)).to_vec()
    };
    fixture.land(&[event("U", Some("city"), Some("Oslo"), 1)]);
    fixture.merge();
    assert_eq!(fixture.lines("select name, city from ITEM"), ["null|Oslo"]);
    fixture.land(&[event("D", None, None, 2), event("U", Some("note"), None, 3)]);
    fixture.merge();
    assert_eq!(
        fixture.lines("select name, city, note from ITEM"),
        ["null|null|null"]
    );
}
