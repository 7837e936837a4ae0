//! Random streams in random batches and orders give the naive fold: a thousand of them, each from a seed of its own.
//!
//! A stream is the events of one key, so many of them share a Snowglobe and its merges. `FIRN_SEED=17` replays only the stream of that
//! seed, in the same batches; `FIRN_RUNS=10000` runs more of them.

use std::collections::BTreeSet;

use firn::contract::Contract;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};

use super::fixture::{Event, Fixture};
use super::fold::{CONTRACT, fold};

/// The number of streams per Snowglobe.
const WORLD: u64 = 250;
const BATCHES: usize = 6;

fn event(random: &mut StdRng, key: u64) -> Event {
    let op = if random.random_bool(0.2) {
        "D"
    } else {
        ["I", "U"].choose(random).unwrap()
    };
    let name = [
        None,
        Some("ann"),
        Some("Bob"),
        Some("zoé, \"x\""),
        Some(""),
        Some("it's; $$ --"),
    ]
    .choose(random)
    .unwrap();
    // Few times and sequence numbers, so that ties and late events are frequent.
    let at = format!("2026-01-01 00:00:{:02}.000000", random.random_range(0..6));
    let cells = [
        Some(op.to_string()),
        Some(key.to_string()),
        name.map(str::to_owned),
        random
            .random_bool(0.8)
            .then(|| random.random_range(0..3).to_string()),
        Some(at),
        Some(random.random_range(0..3).to_string()),
    ];
    cells.to_vec()
}

/// The events of one seed, with duplicates and in random order, each with its batch.
fn stream(seed: u64) -> Vec<(usize, Event)> {
    let mut random = StdRng::seed_from_u64(seed);
    let count = random.random_range(1..12);
    let mut events: Vec<Event> = (0..count).map(|_| event(&mut random, seed)).collect();
    let doubled: Vec<Event> = events
        .iter()
        .filter(|_| random.random_bool(0.15))
        .cloned()
        .collect();
    events.extend(doubled);
    events.shuffle(&mut random);
    events
        .into_iter()
        .map(|event| (random.random_range(0..BATCHES), event))
        .collect()
}

pub fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}"))
    })
}

#[test]
fn any_order_split_and_repetition_gives_the_fold() {
    let seeds: Vec<u64> = match variable("FIRN_SEED") {
        Some(seed) => vec![seed],
        None => (0..variable("FIRN_RUNS").unwrap_or(1_000)).collect(),
    };
    let mut fixture = Fixture::new(Contract::parse(CONTRACT).unwrap());
    for world in seeds.chunk_by(|a, b| a / WORLD == b / WORLD) {
        let mut random = StdRng::seed_from_u64(u64::MAX - world[0] / WORLD);
        let streams: Vec<(usize, Event)> = world.iter().flat_map(|seed| stream(*seed)).collect();
        for batch in 0..BATCHES {
            let rows: Vec<Event> = streams
                .iter()
                .filter(|(number, _)| *number == batch)
                .map(|(_, event)| event.clone())
                .collect();
            fixture.land(&rows);
            // Sometimes one run merges two batches.
            if random.random_bool(0.8) {
                fixture.merge();
            }
        }
        fixture.merge();
        let events: Vec<Event> = streams.into_iter().map(|(_, event)| event).collect();
        check(&mut fixture, &events);
        // All events again, in another order: only the count of duplicates may change.
        let mut again = events.clone();
        again.shuffle(&mut random);
        fixture.land(&again);
        fixture.merge();
        check(&mut fixture, &[events, again].concat());
        for table in [
            "ITEM",
            "ITEM_HISTORY_OPEN",
            "ITEM_HISTORY_CLOSED",
            "ITEM_REJECTS",
            "ITEM_RUNS",
        ] {
            fixture.run(&format!("delete from {table}"));
        }
        fixture.capture();
    }
}

/// Fails with the seeds, which are the ids, of the rows that one side lacks.
pub fn assert_same(what: &str, id_at: usize, found: &[String], wanted: &[String]) {
    if found == wanted {
        return;
    }
    let mut seeds = BTreeSet::new();
    for (here, there) in [(found, wanted), (wanted, found)] {
        let there: BTreeSet<&String> = there.iter().collect();
        seeds.extend(
            here.iter()
                .filter(|line| !there.contains(line))
                .filter_map(|line| line.split('|').nth(id_at)),
        );
    }
    let of = |lines: &[String]| -> Vec<String> {
        let seed = seeds.first().copied().unwrap_or_default();
        lines
            .iter()
            .filter(|line| line.split('|').nth(id_at) == Some(seed))
            .cloned()
            .collect()
    };
    panic!(
        "the {what} is wrong for the seeds {seeds:?}; replay one with FIRN_SEED=N. The first:\n{:#?}\nwanted:\n{:#?}",
        of(found),
        of(wanted)
    );
}

fn check(fixture: &mut Fixture, events: &[Event]) {
    let folded = fold(events);
    let values = "op, cast(id as varchar), name, cast(cast(price as number(9,0)) as varchar), to_varchar(changed_at, 'YYYY-MM-DD HH24:MI:SS.FF6'), cast(sequence as varchar)";
    let history = fixture.lines(&format!(
        "select {values}, to_varchar(valid_to, 'YYYY-MM-DD HH24:MI:SS.FF6') from ITEM_HISTORY"
    ));
    assert_same("history", 1, &history, &folded.history);
    let target = fixture.lines(&format!(
        "select {} from ITEM",
        values.trim_start_matches("op, ")
    ));
    assert_same("target", 0, &target, &folded.target);
    let came = i64::try_from(events.len()).unwrap();
    let [rows_in, duplicates] = ["rows_in", "duplicates"]
        .map(|column| fixture.number(&format!("select sum({column}) from ITEM_RUNS")));
    let rejects = fixture.number("select count(*) from ITEM_REJECTS");
    assert_eq!(rows_in, came, "rows in");
    assert_eq!(rejects, i64::try_from(folded.lost).unwrap(), "rejects");
    assert_eq!(
        rows_in,
        i64::try_from(folded.history.len()).unwrap() + duplicates + rejects,
        "the sum"
    );
    assert_eq!(
        fixture.number("select sum(inserted) - sum(deleted) from ITEM_RUNS"),
        i64::try_from(folded.target.len()).unwrap(),
        "what appeared and went in the target"
    );
    assert_eq!(fixture.number("select count(*) from ITEM_STAGING"), 0);
    let marks = "select count(*) from ITEM_HISTORY where valid_from <> changed_at or is_current <> (valid_to is null)";
    assert_eq!(fixture.number(marks), 0, "the marks");
}
