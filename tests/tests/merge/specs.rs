//! Runs the stories of `specs/firn`. Besides SQL, a story has the commands `!land FILE` with rows below it, `!merge` and `!capture`.

use std::path::Path;
use std::sync::{Arc, Mutex};

use firn::contract::Contract;
use sqllogictest::{DB, DBOutput, DefaultColumnType, Runner};

use super::fixture::Fixture;
use super::fold::CONTRACT;

const ORDERS: &str = include_str!("../../../sql/contracts/orders.toml");

struct Story(Arc<Mutex<Fixture>>);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failure(String);

impl DB for Story {
    type Error = Failure;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Failure> {
        let mut fixture = self.0.lock().expect("no story panics");
        let (command, rows) = sql.split_once('\n').unwrap_or((sql, ""));
        match command.split_once(' ').unwrap_or((command, "")) {
            ("!land", file) => {
                let cell = |cell: &str| (cell != "null").then(|| cell.to_owned());
                let events: Vec<_> = rows
                    .lines()
                    .map(|row| row.split('|').map(cell).collect())
                    .collect();
                fixture.land_as(file, &events);
            }
            ("!merge", _) => fixture.merge(),
            ("!capture", _) => fixture.capture(),
            _ => {
                let rows = fixture
                    .try_run(sql)
                    .map_err(|error| Failure(error.to_string()))?;
                let types = vec![DefaultColumnType::Text; rows.first().map_or(0, Vec::len)];
                return Ok(DBOutput::Rows { types, rows });
            }
        }
        Ok(DBOutput::StatementComplete(0))
    }
}

/// Every story has a fixture of its own, and may have a contract file of its own beside it.
#[test]
fn every_story_has_its_expected_results() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/firn");
    let entries = std::fs::read_dir(&folder).expect("the stories are there");
    let mut stories: Vec<_> = entries
        .map(|entry| entry.expect("a story").path())
        .collect();
    stories.retain(|path| path.extension().is_some_and(|kind| kind == "slt"));
    stories.sort();
    assert!(stories.len() >= 9, "{stories:?}");
    for story in stories {
        let is_orders = story.file_stem().is_some_and(|name| name == "orders");
        let contract = match std::fs::read_to_string(story.with_extension("toml")) {
            Ok(own) => own,
            Err(_) if is_orders => ORDERS.to_owned(),
            Err(_) => CONTRACT.to_owned(),
        };
        let contract = Contract::parse(&contract).expect("a contract");
        let fixture = Arc::new(Mutex::new(Fixture::new(contract)));
        let mut runner = Runner::new(|| async { Ok(Story(Arc::clone(&fixture))) });
        if let Err(failure) = runner.run_file(&story) {
            panic!("{}", failure.display(false));
        }
    }
}
