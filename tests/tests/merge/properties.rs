//! Random streams in random batches and orders give what the naive fold gives. One run holds many keys, and the events of
//! each key are a stream of their own, so two runs of 40 keys are eighty streams; `FIRN_RUNS=25` makes it a thousand.

use firn::contract::Contract;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};

use super::fold::{CONTRACT, fold};
use super::ground::{Event, Ground};

const KEYS: u64 = 40;

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
    // Few times and sequence numbers, so that ties and late events are the rule.
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

/// Every key's events with 15% of them doubled, in a random order.
fn events(random: &mut StdRng) -> Vec<Event> {
    let mut events = Vec::new();
    for key in 0..KEYS {
        for _ in 0..random.random_range(1..12) {
            events.push(event(random, key));
        }
    }
    let doubled: Vec<Event> = events
        .iter()
        .filter(|_| random.random_bool(0.15))
        .cloned()
        .collect();
    events.extend(doubled);
    events.shuffle(random);
    events
}

#[test]
fn any_order_split_and_repetition_gives_what_the_fold_gives() {
    let runs = std::env::var("FIRN_RUNS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(2);
    let mut ground = Ground::new(Contract::parse(CONTRACT).unwrap());
    for seed in 0..runs {
        let mut random = StdRng::seed_from_u64(seed);
        let events = events(&mut random);
        let mut rest = events.as_slice();
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(random.random_range(1..=rest.len() / 2 + 1));
            ground.land(batch);
            if random.random_bool(0.8) {
                ground.merge();
            }
            rest = later;
        }
        ground.merge();
        check(&mut ground, seed, &events);
        // The whole once more, in another order: nothing may change but the count of duplicates.
        let mut again = events.clone();
        again.shuffle(&mut random);
        ground.land(&again);
        ground.merge();
        check(&mut ground, seed, &[events, again].concat());
        for table in ["ITEM", "ITEM_HISTORY", "ITEM_REJECTS", "ITEM_RUNS"] {
            ground.run(&format!("delete from {table}"));
        }
        ground.capture();
    }
}

fn check(ground: &mut Ground, seed: u64, events: &[Event]) {
    let folded = fold(events);
    let values = "op, cast(id as varchar), name, cast(cast(price as number(9,0)) as varchar), to_varchar(changed_at, 'YYYY-MM-DD HH24:MI:SS.FF6'), cast(sequence as varchar)";
    let history = ground.lines(&format!(
        "select {values}, to_varchar(valid_to, 'YYYY-MM-DD HH24:MI:SS.FF6') from ITEM_HISTORY"
    ));
    assert_eq!(history, folded.history, "the history of seed {seed}");
    let target = ground.lines(&format!(
        "select {} from ITEM",
        values.trim_start_matches("op, ")
    ));
    assert_eq!(target, folded.target, "the target of seed {seed}");
    let came = i64::try_from(events.len()).unwrap();
    let [rows_in, duplicates] = ["rows_in", "duplicates"]
        .map(|column| ground.number(&format!("select sum({column}) from ITEM_RUNS")));
    let rejects = ground.number("select count(*) from ITEM_REJECTS");
    assert_eq!(rows_in, came, "rows in of seed {seed}");
    assert_eq!(
        rejects,
        i64::try_from(folded.lost).unwrap(),
        "rejects of seed {seed}"
    );
    assert_eq!(
        rows_in,
        i64::try_from(folded.history.len()).unwrap() + duplicates + rejects,
        "the sum of seed {seed}"
    );
    assert_eq!(
        ground.number("select sum(inserted) - sum(deleted) from ITEM_RUNS"),
        i64::try_from(folded.target.len()).unwrap(),
        "what appeared and went in the target of seed {seed}"
    );
    assert_eq!(ground.number("select count(*) from ITEM_STAGING"), 0);
    let marks = "select count(*) from ITEM_HISTORY where valid_from <> changed_at or is_current <> (valid_to is null)";
    assert_eq!(ground.number(marks), 0, "the marks of seed {seed}");
}
