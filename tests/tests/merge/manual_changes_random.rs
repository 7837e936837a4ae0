//! Files and manual changes in random order: the history is the fold of both, it has each manual change once, and no event
//! overwrites a manual change before it is in the history.

use std::collections::BTreeMap;

use firn::contract::Contract;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::fixture::{Event, Fixture};
use super::fold::{CONTRACT, fold};

const KEYS: u32 = 60;
const TURNS: u32 = 10;

/// Half of the events are older than any manual change, the other half newer than all.
fn event(random: &mut StdRng) -> Event {
    let op = if random.random_bool(0.2) { "D" } else { "U" };
    let year = ["2026", "2999"].choose(random).unwrap();
    let second = random.random_range(0..9);
    [
        op.to_owned(),
        random.random_range(0..KEYS).to_string(),
        ["ann", "bob", "eve"].choose(random).unwrap().to_string(),
        random.random_range(0..3).to_string(),
        format!("{year}-01-01 00:00:{second:02}.000000"),
        random.random_range(0..2).to_string(),
    ]
    .map(Some)
    .to_vec()
}

/// Changes some rows manually, each at most once; returns key, op and name of each.
fn edit(fixture: &mut Fixture, random: &mut StdRng, count: &mut u32) -> Vec<(u32, String, String)> {
    let there: BTreeMap<u32, String> = fixture
        .run("select id, name from ITEM")
        .into_iter()
        .map(|mut row| (row[0].parse().unwrap(), row.remove(1)))
        .collect();
    let mut edits = Vec::new();
    for key in 0..KEYS {
        if !random.random_bool(0.1) {
            continue;
        }
        *count += 1;
        let name = format!("edit {count}");
        let edit = match there.get(&key) {
            None => {
                fixture.run(&format!(
                    "insert into ITEM (id, name) values ({key}, '{name}')"
                ));
                (key, "I".to_owned(), name)
            }
            Some(was) if random.random_bool(0.3) => {
                fixture.run(&format!("delete from ITEM where id = {key}"));
                (key, "D".to_owned(), was.clone())
            }
            Some(_) => {
                fixture.run(&format!("update ITEM set name = '{name}' where id = {key}"));
                (key, "U".to_owned(), name)
            }
        };
        edits.push(edit);
    }
    edits
}

const SHOWN: &str = "op, cast(id as varchar), name, cast(cast(price as number(9,0)) as varchar), to_varchar(changed_at, 'YYYY-MM-DD HH24:MI:SS.FF6'), cast(sequence as varchar)";

/// Checks after a run that the target equals the open history, and the tables equal the fold of files and manual changes.
fn check(fixture: &mut Fixture, seed: u64, events: &[Event], edits: &[(u32, String, String)]) {
    let cell = |cell: String| (cell != "null").then_some(cell);
    let captured: Vec<Event> = fixture
        .run(&format!(
            "select {SHOWN} from ITEM_HISTORY where source_file = 'manual change' order by id, changed_at, sequence"
        ))
        .into_iter()
        .map(|row| row.into_iter().map(cell).collect())
        .collect();
    let text = |cell: &Option<String>| cell.clone().unwrap_or_default();
    let found: Vec<(u32, String, String)> = captured
        .iter()
        .map(|event| {
            (
                text(&event[1]).parse().unwrap(),
                text(&event[0]),
                text(&event[2]),
            )
        })
        .collect();
    let mut wanted = edits.to_vec();
    wanted.sort_by_key(|(key, ..)| *key);
    assert_eq!(found, wanted, "seed {seed}: each edit once, in their order");

    let folded = fold(&[events, &captured].concat());
    let history = fixture.lines(&format!(
        "select {SHOWN}, to_varchar(valid_to, 'YYYY-MM-DD HH24:MI:SS.FF6') from ITEM_HISTORY"
    ));
    assert_eq!(history, folded.history, "seed {seed}: the history");
    let target = fixture.lines(&format!(
        "select {} from ITEM",
        SHOWN.trim_start_matches("op, ")
    ));
    assert_eq!(target, folded.target, "seed {seed}: the target");
}

#[test]
fn files_and_manual_changes_in_any_order_give_the_fold_of_both() {
    let runs = std::env::var("FIRN_EDIT_RUNS").map_or(2, |text| text.parse().expect("a number"));
    for seed in 0..runs {
        let mut random = StdRng::seed_from_u64(seed);
        let mut fixture = Fixture::new(Contract::parse(CONTRACT).unwrap());
        let (mut events, mut edits, mut count) = (Vec::new(), Vec::new(), 0);
        for _ in 0..TURNS {
            // Rows are staged before or after the manual changes, and are merged after both.
            let mut rows: Vec<Event> = (0..random.random_range(0..40))
                .map(|_| event(&mut random))
                .collect();
            rows.extend(
                rows.clone()
                    .into_iter()
                    .filter(|_| random.random_bool(0.15)),
            );
            fixture.land(&rows);
            edits.extend(edit(&mut fixture, &mut random, &mut count));
            if random.random_bool(0.3) {
                // The capture reads the manual changes and leaves the rows in staging.
                fixture.capture();
            }
            fixture.merge();
            events.extend(rows);
            check(&mut fixture, seed, &events, &edits);
        }
        assert!(edits.len() > 25, "there were many manual changes");
    }
}
