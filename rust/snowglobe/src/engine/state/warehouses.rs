//! Warehouses: whether one runs, and what it has cost. A warehouse bills by the second, at least sixty each time it wakes.

use std::sync::PoisonError;

use super::meter::{Meter, Running};

use super::shared::Shared;
use crate::engine::catalog::{Body, Kind, Warehouse};
use crate::types::error::{Result, SnowflakeError};

/// The least that a wake costs.
const MIN_SECONDS: f64 = 60.0;

/// One wake of a warehouse, over or not.
pub struct Wake {
    pub warehouse: String,
    pub start_micros: i64,
    pub end_micros: i64,
    pub credits: f64,
}

/// The sizes, each of which costs twice the one before.
const SIZES: [&str; 10] = [
    "X-Small", "Small", "Medium", "Large", "X-Large", "2X-Large", "3X-Large", "4X-Large",
    "5X-Large", "6X-Large",
];

/// The size that the text names, as SHOW writes it.
///
/// # Errors
/// If there is no such size.
pub fn size(text: &str) -> Result<&'static str> {
    let bare = |t: &str| t.to_uppercase().replace('-', "");
    let wanted = match bare(text).as_str() {
        "XXLARGE" | "X2LARGE" => "2XLARGE".to_owned(),
        "XXXLARGE" | "X3LARGE" => "3XLARGE".to_owned(),
        "X4LARGE" => "4XLARGE".to_owned(),
        "X5LARGE" => "5XLARGE".to_owned(),
        "X6LARGE" => "6XLARGE".to_owned(),
        other => other.to_owned(),
    };
    let found = SIZES.iter().find(|s| bare(s) == wanted);
    found.copied().ok_or_else(|| {
        SnowflakeError::new(
            "001008",
            "22023",
            format!(
                "SQL compilation error:\ninvalid value [{text}] for parameter 'WAREHOUSE_SIZE'"
            ),
        )
    })
}

/// Credits an hour. A size that an older version has kept as it was written is read as it is now.
fn credits_per_hour(text: &str) -> f64 {
    let name = size(text).unwrap_or(SIZES[0]);
    let at = SIZES.iter().position(|s| *s == name).unwrap_or(0);
    f64::from(1_u32 << at)
}

fn cost(warehouse: &Warehouse, start: i64, end: i64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "microseconds of a wake fit a double"
    )]
    let seconds = ((end - start) as f64 / 1e6).max(MIN_SECONDS);
    credits_per_hour(&warehouse.size) * seconds / 3600.0
}

impl Meter {
    /// Wakes the warehouse for a statement.
    ///
    /// # Errors
    /// Without a warehouse, with one that `role` (if it is to be checked) has no USAGE of, or that is suspended and may not resume by itself.
    pub fn use_one(&self, shared: &Shared, name: Option<&str>, role: Option<&str>) -> Result<()> {
        let none = || {
            SnowflakeError::new(
                "000606",
                "57P03",
                "No active warehouse selected in the current session.  Select an active warehouse with the 'use warehouse' command.",
            )
        };
        let name = name.ok_or_else(none)?;
        let catalog = shared.catalog();
        let object = catalog
            .find(Kind::Warehouse, &[name.to_owned()])
            .ok_or_else(none)?;
        let Body::Warehouse(body) = &object.body else {
            return Err(none());
        };
        if let Some(role) = role
            && !catalog.has_privilege(&catalog.inherited_roles(role), object, "USAGE")
        {
            return Err(none());
        }
        self.settle(shared, name, body)?;
        let now = shared.options.clock.now_micros();
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match running.get_mut(name) {
            Some(wake) => wake.last_used_micros = now,
            None if body.suspended && !body.auto_resume => return Err(none()),
            None => {
                running.insert(
                    name.to_owned(),
                    Running {
                        since_micros: now,
                        last_used_micros: now,
                    },
                );
            }
        }
        Ok(())
    }

    /// Ends the wake that auto-suspend has ended by now.
    fn settle(&self, shared: &Shared, name: &str, body: &Warehouse) -> Result<()> {
        let now = shared.options.clock.now_micros();
        let idle = body.auto_suspend_seconds * 1_000_000;
        let over = {
            let running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            running
                .get(name)
                .copied()
                .filter(|wake| idle > 0 && now - wake.last_used_micros > idle)
        };
        match over {
            Some(wake) => self.end(shared, name, body, wake.last_used_micros + idle),
            None => Ok(()),
        }
    }

    fn end(&self, shared: &Shared, name: &str, body: &Warehouse, at: i64) -> Result<()> {
        let wake = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
        let Some(wake) = wake else { return Ok(()) };
        let credits = cost(body, wake.since_micros, at);
        #[expect(
            clippy::cast_precision_loss,
            reason = "microseconds of a wake fit a double"
        )]
        let seconds = ((at - wake.since_micros) as f64 / 1e6).max(MIN_SECONDS);
        let connection = shared.connect()?;
        crate::engine::storage::run(
            &connection,
            &format!(
                "insert into sys_metering values ({}, {}, {at}, {seconds}, {credits})",
                crate::sql::cursor::literal(name),
                wake.since_micros
            ),
        )
    }

    /// Goes on under another name.
    pub fn rename(&self, old: &str, new: &str) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wake) = running.remove(old) {
            running.insert(new.to_owned(), wake);
        }
    }

    /// Suspends a warehouse now.
    ///
    /// # Errors
    /// If what it cost cannot be written down.
    pub fn suspend(&self, shared: &Shared, name: &str, body: &Warehouse) -> Result<()> {
        self.settle(shared, name, body)?;
        self.end(shared, name, body, shared.options.clock.now_micros())
    }

    /// Whether it runs.
    pub fn is_running(&self, shared: &Shared, name: &str, body: &Warehouse) -> bool {
        let _ = self.settle(shared, name, body);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(name)
    }

    /// Every wake, those that go on included.
    ///
    /// # Errors
    /// If the history cannot be read.
    pub fn wakes(&self, shared: &Shared) -> Result<Vec<Wake>> {
        let catalog = shared.catalog();
        let mut wakes = Vec::new();
        for object in catalog.all(Kind::Warehouse) {
            if let Body::Warehouse(body) = &object.body {
                self.settle(shared, object.short(), body)?;
            }
        }
        let connection = shared.connect()?;
        let rows = crate::engine::storage::query(
            &connection,
            "select warehouse, start_micros, end_micros, credits from sys_metering order by 2",
        )?;
        for row in rows.rows {
            if let [
                crate::types::value::Value::Text(warehouse),
                crate::types::value::Value::Number(start),
                crate::types::value::Value::Number(end),
                crate::types::value::Value::Float(credits),
            ] = row.as_slice()
            {
                wakes.push(Wake {
                    warehouse: warehouse.clone(),
                    start_micros: i64::try_from(*start).unwrap_or(0),
                    end_micros: i64::try_from(*end).unwrap_or(0),
                    credits: *credits,
                });
            }
        }
        let now = shared.options.clock.now_micros();
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, wake) in running.iter() {
            if let Some(Body::Warehouse(body)) = catalog
                .find(Kind::Warehouse, std::slice::from_ref(name))
                .map(|o| &o.body)
            {
                wakes.push(Wake {
                    warehouse: name.clone(),
                    start_micros: wake.since_micros,
                    end_micros: now,
                    credits: cost(body, wake.since_micros, now),
                });
            }
        }
        Ok(wakes)
    }
}
