//! Runs the stories of `specs/firn`. Beside SQL a story says `!land FILE` with rows below it, `!merge` and `!capture`.

use std::path::Path;
use std::sync::{Arc, Mutex};

use firn::contract::Contract;
use sqllogictest::{DB, DBOutput, DefaultColumnType, Runner};

use super::fold::CONTRACT;
use super::ground::Ground;

struct Story(Arc<Mutex<Ground>>);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failure(String);

impl DB for Story {
    type Error = Failure;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Failure> {
        let mut ground = self.0.lock().expect("no story panics");
        let (command, rows) = sql.split_once('\n').unwrap_or((sql, ""));
        match command.split_once(' ').unwrap_or((command, "")) {
            ("!land", file) => {
                let cell = |cell: &str| (cell != "null").then(|| cell.to_owned());
                let events: Vec<_> = rows
                    .lines()
                    .map(|row| row.split('|').map(cell).collect())
                    .collect();
                ground.land_as(file, &events);
            }
            ("!merge", _) => ground.merge(),
            ("!capture", _) => ground.capture(),
            _ => {
                let rows = ground
                    .try_run(sql)
                    .map_err(|error| Failure(error.to_string()))?;
                let types = vec![DefaultColumnType::Text; rows.first().map_or(0, Vec::len)];
                return Ok(DBOutput::Rows { types, rows });
            }
        }
        Ok(DBOutput::StatementComplete(0))
    }
}

#[test]
fn a_history_is_right_in_every_order() {
    let ground = Arc::new(Mutex::new(Ground::new(
        Contract::parse(CONTRACT).expect("a contract"),
    )));
    let mut runner = Runner::new(|| async { Ok(Story(Arc::clone(&ground))) });
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/firn/scd2.slt");
    if let Err(failure) = runner.run_file(&path) {
        panic!("{}", failure.display(false));
    }
}
