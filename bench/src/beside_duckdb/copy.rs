//! COPY of one CSV file of customer events into a table with the types of the events.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use firn::generator::{Generator, Options};
use snowglobe::engine::ObjectStore;

use super::{Arguments, Pair, Times, timed};
use crate::peer::Failure;

pub const BUCKET: &str = "bench";
const KEY: &str = "events.csv";
const COLUMNS: &str = "op varchar, customer_id number(38, 0), first_name varchar, last_name varchar, email varchar, phone varchar, street varchar, city varchar, state varchar, postal_code varchar, country varchar, updated_at timestamp_ntz, sequence number(38, 0)";

/// Rows of the table: plain COPY, and COPY as in Firn's pipe, which also loads the source of each row.
///
/// # Errors
/// A statement fails, or the results differ.
pub fn run(pair: &mut Pair, arguments: &Arguments) -> Result<String, Failure> {
    let (path, bytes) = put_file(pair, arguments.megabytes)?;
    pair.snowglobe("create file format EVENTS_CSV type = csv skip_header = 1 field_optionally_enclosed_by = '\"' null_if = () escape_unenclosed_field = none")?;
    pair.snowglobe(&format!(
        "create stage EVENTS url = 's3://{BUCKET}/' file_format = EVENTS_CSV"
    ))?;
    let plain_columns = COLUMNS
        .replace("number", "decimal")
        .replace("timestamp_ntz", "timestamp");
    let plain_copy = format!(
        "copy EVENTS from '{}' (format csv, header true, delimiter ',', quote '\"', escape '\"', auto_detect false)",
        path.display()
    );
    let traced = format!(
        "({}, source_file varchar, source_row number(38, 0), loaded_at timestamp_ltz)",
        COLUMNS
    );
    let numbered: Vec<String> = (1..=13).map(|n| format!("${n}")).collect();
    let traced_copy = format!(
        "copy into TRACED from (select {}, metadata$filename, metadata$file_row_number, metadata$start_scan_time from @EVENTS)",
        numbered.join(", ")
    );
    let (mut plain_times, mut traced_times) = (Times::default(), Times::default());
    for round in 0..=arguments.rounds {
        eprintln!("COPY, round {round} of {}", arguments.rounds);
        pair.plain(&format!(
            "create or replace table EVENTS ({plain_columns}); checkpoint"
        ))?;
        pair.snowglobe(&format!("create or replace table EVENTS ({COLUMNS})"))?;
        pair.snowglobe(&format!("create or replace table TRACED {traced}"))?;
        let duckdb = timed(|| pair.plain(&plain_copy))?;
        let snowglobe = timed(|| pair.snowglobe("copy into EVENTS from @EVENTS"))?;
        let with_source = timed(|| pair.snowglobe(&traced_copy))?;
        pair.agree("select count(*) from EVENTS")?;
        pair.agree("select sum(customer_id + sequence + length(email))::bigint from EVENTS")?;
        if round > 0 {
            plain_times.duckdb.push(duckdb);
            traced_times.duckdb.push(duckdb);
            plain_times.snowglobe.push(snowglobe);
            traced_times.snowglobe.push(with_source);
        }
    }
    pair.plain("drop table EVENTS; checkpoint")?;
    pair.snowglobe("drop table EVENTS")?;
    pair.snowglobe("drop table TRACED")?;
    let size = format!("{} MB of CSV", bytes / 1_000_000);
    let as_a_pipe = "the same with `METADATA$` columns, as in Firn's pipe; DuckDB: plain `COPY`";
    Ok(plain_times.row(&format!("`COPY` of {size}"))? + &traced_times.row(as_a_pipe)?)
}

/// Writes the file to DuckDB's folder and to the stage.
fn put_file(pair: &Pair, megabytes: u64) -> Result<(PathBuf, u64), Failure> {
    let mut generator = Generator::new(Options {
        updates: 0.3,
        deletes: 0.05,
        rows_per_file: 1_000_000_000,
        ..Options::default()
    })?;
    let mut content = Vec::new();
    while (content.len() as u64) < megabytes * 1_000_000 {
        let piece = generator.next_piece().ok_or("the unlimited stream ended")?;
        content.extend_from_slice(piece.bytes);
    }
    let path = pair
        .duckdb
        .path()
        .ok_or("DuckDB is not on disk")?
        .with_file_name(KEY);
    File::create(&path)?.write_all(&content)?;
    ObjectStore::put(pair.server.objects.as_ref(), BUCKET, KEY, &content)?;
    Ok((path, content.len() as u64))
}
