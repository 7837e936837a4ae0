//! A Snowglobe in this process with all objects of the customer contract, except the tasks, so that nothing runs in the background.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use firn::contract::Contract;
use firn::merge::{Deployment, Names, scripts};
use snowglobe::engine::{
    Binds, Engine, EngineOptions, Login, MemoryStore, ObjectStore, Session, Value,
};

use crate::peer::Failure;

/// The bucket behind the default stage.
const BUCKET: &str = "firn-landing";

pub struct Fixture {
    engine: Engine,
    session: Session,
    store: Arc<MemoryStore>,
    pub names: Names,
    /// The COPY statement of the pipe: loads new files of the stage.
    pub copy: String,
}

impl Fixture {
    /// With tables in memory, or in the folder `data`.
    pub fn open(data: Option<PathBuf>) -> Result<Self, Failure> {
        let store = Arc::new(MemoryStore::default());
        let engine = Engine::open(EngineOptions {
            data_dir: data,
            object_store: Arc::clone(&store) as Arc<dyn ObjectStore>,
            ..EngineOptions::default()
        })?;
        let session = engine.session(Login {
            user: "SNOWGLOBE".to_owned(),
            ..Login::default()
        })?;
        let contract = Contract::customer();
        let names = Names::of(&contract);
        let mut fixture = Self {
            engine,
            session,
            store,
            names,
            copy: String::new(),
        };
        for script in scripts(&contract, &Deployment::default()) {
            if matches!(script.name, "80_tasks.sql" | "99_drop.sql") {
                continue;
            }
            for statement in &script.statements {
                fixture.run(&format!("use role {}", statement.role))?;
                if statement.in_schema {
                    fixture.run("use schema FIRN.PUBLIC")?;
                }
                fixture.run(&statement.sql)?;
                if let Some((_, copy)) = statement.sql.split_once("\ncopy into ") {
                    fixture.copy = format!("copy into {copy}");
                }
            }
        }
        fixture.run("use role FIRN_OWNER")?;
        fixture.run("use schema FIRN.PUBLIC")?;
        fixture.run("use warehouse FIRN_WH")?;
        Ok(fixture)
    }

    pub fn run(&mut self, sql: &str) -> Result<Vec<Vec<Value>>, Failure> {
        let result = self.session.execute(sql, &Binds::default());
        Ok(result.map_err(|error| format!("{error}\n{sql}"))?.rows)
    }

    /// Runs the statements of a script; each one ends with a semicolon at the end of a line.
    pub fn run_all(&mut self, script: &str) -> Result<(), Failure> {
        for statement in script.split(";\n") {
            if !statement.trim().is_empty() {
                self.run(statement)?;
            }
        }
        Ok(())
    }

    pub fn number(&mut self, sql: &str) -> Result<i128, Failure> {
        match self.run(sql)?.first().and_then(|row| row.first()) {
            Some(Value::Number(number)) => Ok(*number),
            other => Err(format!("expected a number, got {other:?}: {sql}").into()),
        }
    }

    /// Puts a file into the customer stage.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.store.put(BUCKET, &format!("customer/{name}"), bytes)?;
        Ok(())
    }

    pub fn merge(&mut self) -> Result<(), Failure> {
        let call = format!("call {}()", self.names.merge);
        self.run(&call).map(drop)
    }

    /// Stops the engine and waits until its memory is free, so that it does not affect the next measurement.
    pub fn close(self) {
        let open = self.engine.until_closed();
        drop(self.session);
        drop(self.engine);
        while open.strong_count() > 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
