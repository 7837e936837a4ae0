//! Snapshots: a file is the whole table at its time, so a key that it lacks was deleted by then.
//!
//! `FIRN_SEED=17` replays only the snapshots of that seed, `FIRN_RUNS=10000` runs more of them.

use std::collections::BTreeMap;

use firn::contract::Contract;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};

use super::fixture::{Event, Fixture};
use super::properties::{assert_same, variable};

const CONTRACT: &str = r#"
table = "ITEM"
key = ["id"]
order = ["taken_at"]
columns = [
    { name = "id", type = "NUMBER(9,0)" },
    { name = "name", type = "VARCHAR(50)", required = true },
    { name = "city", type = "VARCHAR(50)" },
    { name = "taken_at", type = "TIMESTAMP_NTZ(6)" },
]
[source]
mode = "snapshot"
"#;

fn fixture(max_deleted: &str) -> Fixture {
    let contract = format!("{CONTRACT}max_deleted = \"{max_deleted}\"\n");
    Fixture::new(Contract::parse(&contract).unwrap())
}

/// The values of every key at one time.
type State = BTreeMap<u64, (String, Option<String>)>;

fn day(day: usize) -> String {
    format!("2026-01-{day:02} 00:00:00.000000")
}

fn rows(at: usize, state: &State) -> Vec<Event> {
    let row = |(key, (name, city)): (&u64, &(String, Option<String>))| {
        vec![
            Some("U".to_owned()),
            Some(key.to_string()),
            Some(name.clone()),
            city.clone(),
            Some(day(at)),
        ]
    };
    state.iter().map(row).collect()
}

fn state(pairs: &[(u64, &str)]) -> State {
    let one = |(key, name): &(u64, &str)| (*key, ((*name).to_owned(), None));
    pairs.iter().map(one).collect()
}

/// Each seed has its own keys, so that many seeds share the snapshots of a Snowglobe.
fn random_states(seeds: &[u64], count: usize) -> Vec<State> {
    let mut states = vec![State::new(); count];
    for seed in seeds {
        let mut random = StdRng::seed_from_u64(*seed);
        for key in [seed * 2, seed * 2 + 1] {
            for state in &mut states {
                if random.random_bool(0.3) {
                    continue;
                }
                let name = (*["a", "b"].choose(&mut random).unwrap()).to_owned();
                let city = *[None, Some("x"), Some("")].choose(&mut random).unwrap();
                state.insert(key, (name, city.map(str::to_owned)));
            }
        }
    }
    states
}

/// The expected tables: `op|id|name|city|valid_from|valid_to`, and `id|name|city`.
fn fold(states: &[State]) -> (Vec<String>, Vec<String>) {
    let mut history: Vec<(u64, String, usize)> = Vec::new();
    let mut known = State::new();
    for (index, state) in states.iter().enumerate() {
        for (key, values) in state {
            if known.get(key) != Some(values) {
                let city = values.1.as_deref().unwrap_or("null");
                history.push((*key, format!("U|{key}|{}|{city}", values.0), index + 1));
            }
        }
        for key in known.keys().filter(|key| !state.contains_key(key)) {
            history.push((*key, format!("D|{key}|null|null"), index + 1));
        }
        known.clone_from(state);
    }
    let line = |at: usize| {
        let (key, line, from) = &history[at];
        let next = history[at + 1..].iter().find(|(other, ..)| other == key);
        let to = next.map_or_else(|| "null".to_owned(), |(_, _, to)| day(*to));
        format!("{line}|{}|{to}", day(*from))
    };
    let mut lines: Vec<String> = (0..history.len()).map(line).collect();
    lines.sort();
    let target = known
        .iter()
        .map(|(key, (name, city))| format!("{key}|{name}|{}", city.as_deref().unwrap_or("null")));
    let mut target: Vec<String> = target.collect();
    target.sort();
    (lines, target)
}

fn check(fixture: &mut Fixture, states: &[State]) {
    let (history, target) = fold(states);
    let time = |name: &str| format!("to_varchar({name}, 'YYYY-MM-DD HH24:MI:SS.FF6')");
    let found = fixture.lines(&format!(
        "select op, cast(id as varchar), name, city, {}, {} from ITEM_HISTORY",
        time("valid_from"),
        time("valid_to")
    ));
    assert_same("history", 1, &found, &history);
    let found = fixture.lines("select cast(id as varchar), name, city from ITEM");
    assert_same("target", 0, &found, &target);
    assert_eq!(sum(fixture), 0, "the sum");
}

fn sum(fixture: &mut Fixture) -> i64 {
    fixture.number("select (select sum(rows_in) - sum(duplicates) from ITEM_RUNS) - (select count(*) from ITEM_HISTORY) - (select count(*) from ITEM_REJECTS)")
}

#[test]
fn random_snapshots_in_any_batches_and_repetition_give_the_fold() {
    let runs = variable("FIRN_RUNS").unwrap_or(1_000);
    let seeds: Vec<u64> = match variable("FIRN_SEED") {
        Some(seed) => vec![seed],
        None => (0..runs).collect(),
    };
    for world in seeds.chunks(250) {
        let mut random = StdRng::seed_from_u64(world[0]);
        let mut fixture = fixture("100%");
        let states = random_states(world, 6);
        let mut landed = 0;
        while landed < states.len() {
            let next = random.random_range(landed + 1..=states.len());
            // Snapshots that wait together are merged in their order; a repeated one changes nothing.
            let mut waiting: Vec<usize> = (landed..next).collect();
            waiting.extend((0..landed).filter(|_| random.random_bool(0.3)));
            waiting.shuffle(&mut random);
            for at in waiting {
                fixture.land_as(&format!("snapshot-{at}"), &rows(at + 1, &states[at]));
            }
            fixture.merge();
            landed = next;
            check(&mut fixture, &states[..landed]);
        }
    }
}

#[test]
fn a_snapshot_that_lacks_too_many_keys_is_held_back() {
    let mut fixture = fixture("20%");
    let five = [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")];
    fixture.land_as("first", &rows(1, &state(&five)));
    fixture.land_as("second", &rows(2, &state(&five[..3])));
    fixture.land_as("third", &rows(3, &state(&five[..4])));
    fixture.merge();
    assert_eq!(
        fixture.lines("select distinct source_file, reason from ITEM_REJECTS"),
        ["second|held back: the snapshot lacks 2 of 5 keys, more than max_deleted = 20%"]
    );
    assert_eq!(fixture.number("select count(*) from ITEM_REJECTS"), 3);
    assert_eq!(fixture.lines("select name from ITEM"), ["a", "b", "c", "d"]);
    assert_eq!(
        fixture.lines("select op, id, source_file, to_varchar(valid_from, 'DD') from ITEM_HISTORY where op = 'D'"),
        ["D|5|absent from third|03"]
    );
    assert_eq!(
        fixture.lines("select raw_line from ITEM_REJECTS where source_row = 1"),
        ["U,1,\"a\",,2026-01-02 00:00:00.000000"]
    );
    assert_eq!(sum(&mut fixture), 0);
}

#[test]
fn an_incomplete_or_late_snapshot_is_held_back() {
    let mut fixture = fixture("100%");
    fixture.land_as("whole", &rows(5, &state(&[(1, "a"), (2, "b")])));
    fixture.merge();
    // One row is malformed, so its key only seems to be absent.
    let mut malformed = rows(6, &state(&[(1, "a"), (2, "b")]));
    malformed[1][1] = Some("two".to_owned());
    fixture.land_as("malformed", &malformed);
    let mut two_times = rows(7, &state(&[(1, "a")]));
    two_times.extend(rows(8, &state(&[(2, "b")])));
    fixture.land_as("times", &two_times);
    fixture.land_as("late", &rows(4, &state(&[(1, "z")])));
    fixture.merge();
    assert_eq!(
        fixture.lines("select distinct source_file, reason from ITEM_REJECTS"),
        [
            "late|held back: a snapshot of 2026-01-05 00:00:00 has been merged, and this one is not newer",
            "malformed|held back: row 2 of the snapshot is rejected, and a key that a snapshot lacks would be deleted",
            "malformed|id is not a valid NUMBER(9,0)",
            "times|held back: the rows of the snapshot have 2 times in taken_at, and a snapshot has one",
        ]
    );
    assert_eq!(fixture.lines("select id, name from ITEM"), ["1|a", "2|b"]);
    assert_eq!(sum(&mut fixture), 0);
}

#[test]
fn a_manual_change_between_snapshots_is_captured_and_the_next_snapshot_overwrites_it() {
    let mut fixture = fixture("100%");
    fixture.land_as("first", &rows(1, &state(&[(1, "a"), (2, "b")])));
    fixture.merge();
    fixture.run("update ITEM set name = 'manual' where id = 1");
    fixture.run("insert into ITEM (id, name) values (9, 'stranger')");
    fixture.capture();
    let future = |name: &str, keys: &[(u64, &str)]| {
        let mut rows = rows(1, &state(keys));
        for row in &mut rows {
            row[4] = Some("2100-01-01 00:00:00".to_owned());
        }
        (name.to_owned(), rows)
    };
    let (name, rows) = future("next", &[(1, "a"), (2, "b")]);
    fixture.land_as(&name, &rows);
    fixture.merge();
    assert_eq!(fixture.lines("select id, name from ITEM"), ["1|a", "2|b"]);
    assert_eq!(
        fixture.run("select name from ITEM_HISTORY where id = 1 order by taken_at"),
        [["a"], ["manual"], ["a"]]
    );
    assert_eq!(
        fixture.run("select op from ITEM_HISTORY where id = 9 order by taken_at"),
        [["I"], ["D"]]
    );
    assert_eq!(sum(&mut fixture), 0);
}
