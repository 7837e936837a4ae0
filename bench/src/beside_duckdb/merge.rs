//! MERGE of updates and new rows into a table with ten times as many rows and a stream.

use super::{Arguments, Pair, Times, timed};
use crate::peer::Failure;

const MERGE: &str = "merge into TARGET t using SOURCE s on t.id = s.id \
    when matched then update set name = s.name, city = s.city, amount = s.amount, changed = s.changed \
    when not matched then insert (id, name, city, amount, changed) values (s.id, s.name, s.city, s.amount, s.changed)";

/// The row of the table.
///
/// # Errors
/// A statement fails, or the results differ.
pub fn run(pair: &mut Pair, arguments: &Arguments) -> Result<String, Failure> {
    let source_rows = arguments.thousands * 1_000;
    let rows = source_rows * 10;
    fill(pair, "TARGET", rows, |numbers| {
        format!("select n as id, 0 as round from {numbers}")
    })?;
    pair.snowglobe("create stream TARGET_CHANGES on table TARGET")?;
    let mut times = Times::default();
    for round in 0..=arguments.rounds {
        eprintln!("MERGE, round {round} of {}", arguments.rounds);
        let half = source_rows / 2;
        let first_new = rows + u64::from(round) * half;
        // Updates every twentieth row, starting with another row in each round.
        fill(pair, "SOURCE", source_rows, |numbers| {
            format!(
                "select case when n < {half} then n * 20 + {round} else {first_new} + n - {half} end as id, {} as round from {numbers}",
                round + 1
            )
        })?;
        pair.plain("checkpoint")?;
        let duckdb = timed(|| pair.plain(MERGE))?;
        let snowglobe = timed(|| pair.snowglobe(MERGE))?;
        pair.agree("select count(*) from TARGET")?;
        pair.agree("select sum(amount)::bigint from TARGET")?;
        if round > 0 {
            times.duckdb.push(duckdb);
            times.snowglobe.push(snowglobe);
        }
    }
    let thousands = arguments.thousands;
    times.row(&format!(
        "`MERGE` of {thousands} thousand rows, half of them updates, into {} thousand",
        thousands * 10
    ))
}

/// Creates a table from the rows `id, round` of a query over a relation of the numbers `n`, starting at 0.
fn fill(
    pair: &mut Pair,
    table: &str,
    rows: u64,
    ids: impl Fn(&str) -> String,
) -> Result<(), Failure> {
    let create = |number: &str, timestamp: &str| {
        format!(
            "create or replace table {table} (id {number}(38, 0), name varchar, city varchar, amount {number}(12, 2), changed {timestamp})"
        )
    };
    let insert = |numbers: &str, changed: &str| {
        format!(
            "insert into {table} select id, 'Customer ' || id || ' of round ' || round, 'Springfield ' || (id % 1000), (id % 100000) + round, {changed} from ({})",
            ids(numbers)
        )
    };
    pair.plain(&create("decimal", "timestamp"))?;
    pair.plain(&insert(
        &format!("(select range as n from range({rows}))"),
        "timestamp '2026-01-01' + to_days(round)",
    ))?;
    pair.snowglobe(&create("number", "timestamp_ntz"))?;
    pair.snowglobe(&insert(
        &format!("(select seq8() as n from table(generator(rowcount => {rows})))"),
        "dateadd(day, round, '2026-01-01'::timestamp_ntz)",
    ))
    .map(drop)
}
