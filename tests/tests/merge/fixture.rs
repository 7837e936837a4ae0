//! A Snowglobe with the objects of a contract.

use firn::contract::Contract;
use firn::merge::{Deployment, Names, Script, scripts};
use snowglobe::engine::{Binds, Engine, EngineOptions, Login, Session, SnowflakeError, Value};

pub struct Fixture {
    pub engine: Engine,
    pub names: Names,
    pub scripts: Vec<Script>,
    session: Session,
    files: u32,
}

/// An event as in a file: its op, then the contract's columns, and last, if the contract has partial updates, the columns that it
/// gives; `None` is null.
pub type Event = Vec<Option<String>>;

impl Fixture {
    /// All objects except the tasks, so that nothing runs unless a test calls it.
    pub fn new(contract: Contract) -> Self {
        Self::with(contract, Deployment::default())
    }

    pub fn with(contract: Contract, deployment: Deployment) -> Self {
        let engine = Engine::open(EngineOptions::default()).expect("an engine opens");
        let scripts = scripts(&contract, &deployment);
        let session = engine
            .session(Login {
                user: "SNOWGLOBE".to_owned(),
                ..Login::default()
            })
            .expect("a session opens");
        let names = Names::of(&contract);
        let mut fixture = Self {
            engine,
            names,
            scripts,
            session,
            files: 0,
        };
        for script in fixture.scripts.clone() {
            if matches!(script.name, "80_tasks.sql" | "99_drop.sql") {
                continue;
            }
            for statement in &script.statements {
                fixture.run(&format!("use role {}", statement.role));
                if statement.in_schema {
                    fixture.run("use schema FIRN.PUBLIC");
                }
                fixture
                    .try_run(&statement.sql)
                    .unwrap_or_else(|error| panic!("{}: {error}\n{}", script.name, statement.sql));
            }
        }
        fixture.run("use role FIRN_OWNER");
        fixture.run("use schema FIRN.PUBLIC");
        fixture.run("use warehouse FIRN_WH");
        fixture
    }

    /// Another session of the owner.
    pub fn session(&self) -> Session {
        let login = Login {
            user: "SNOWGLOBE".to_owned(),
            role: Some("FIRN_OWNER".to_owned()),
            warehouse: Some("FIRN_WH".to_owned()),
            database: Some("FIRN".to_owned()),
            schema: Some("PUBLIC".to_owned()),
        };
        self.engine.session(login).expect("a session opens")
    }

    pub fn try_run(&mut self, sql: &str) -> Result<Vec<Vec<String>>, SnowflakeError> {
        run(&mut self.session, sql)
    }

    pub fn run(&mut self, sql: &str) -> Vec<Vec<String>> {
        self.try_run(sql)
            .unwrap_or_else(|error| panic!("{error}\n{sql}"))
    }

    /// The rows of a query, each as one line, sorted.
    pub fn lines(&mut self, sql: &str) -> Vec<String> {
        let mut lines: Vec<String> = self.run(sql).into_iter().map(|row| row.join("|")).collect();
        lines.sort();
        lines
    }

    pub fn number(&mut self, sql: &str) -> i64 {
        self.run(sql)[0][0].parse().expect("a number")
    }

    /// Adds events to staging as the pipe would, with a new file name.
    pub fn land(&mut self, events: &[Event]) {
        self.files += 1;
        let file = format!("file-{}", self.files);
        self.land_as(&file, events);
    }

    pub fn land_as(&mut self, file: &str, events: &[Event]) {
        if events.is_empty() {
            return;
        }
        let value = |cell: &Option<String>| {
            cell.as_deref()
                .map_or("null".to_owned(), firn::merge::literal)
        };
        let row = |(index, event): (usize, &Event)| {
            let (cells, given) = match self.names.given_columns {
                Some(_) => (&event[..event.len() - 1], event.last().map(value)),
                None => (&event[..], None),
            };
            let cells: Vec<String> = cells.iter().map(value).collect();
            format!(
                "({}, null, null, '{file}', {}, current_timestamp(){})",
                cells.join(", "),
                index + 1,
                given.map_or_else(String::new, |given| format!(", {given}"))
            )
        };
        let rows: Vec<String> = events.iter().enumerate().map(row).collect();
        let sql = format!(
            "insert into {} values {}",
            self.names.staging,
            rows.join(", ")
        );
        self.run(&sql);
    }

    pub fn merge(&mut self) {
        let sql = format!("call {}()", self.names.merge);
        self.run(&sql);
    }

    pub fn capture(&mut self) {
        let sql = format!("call {}()", self.names.capture);
        self.run(&sql);
    }

    /// Everything that a run may change, as text.
    pub fn state(&mut self) -> Vec<String> {
        let names = self.names.clone();
        let mut state = Vec::new();
        for table in [
            &names.target,
            &names.history,
            &names.rejects,
            &names.runs,
            &names.staging,
        ] {
            state.push(format!("{table}:"));
            state.extend(self.lines(&format!("select * from {table}")));
        }
        state
    }
}

pub fn run(session: &mut Session, sql: &str) -> Result<Vec<Vec<String>>, SnowflakeError> {
    let result = session.execute(sql, &Binds::default())?;
    Ok(result
        .rows
        .iter()
        .map(|row| row.iter().map(shown).collect())
        .collect())
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(yes) => yes.to_string(),
        Value::Number(digits) => digits.to_string(),
        Value::Text(text) | Value::Json(text) => text.clone(),
        Value::Date(days) => days.to_string(),
        Value::TimestampNtz(micros) | Value::TimestampLtz(micros) => micros.to_string(),
        other => format!("{other:?}"),
    }
}
