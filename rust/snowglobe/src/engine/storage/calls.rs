//! The scalar function `sf_system`, with which a query calls back while it runs: once for each call that it reaches, and not at all for one that it
//! does not reach.
//!
//! DuckDB calls it with a number that [`register`] has given out, since all that reaches a scalar function is SQL values.

use std::collections::HashMap;
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use duckdb::Connection;
use duckdb::core::{DataChunkHandle, LogicalTypeHandle, LogicalTypeId};
use duckdb::vscalar::{ScalarFunctionSignature, VScalar};
use duckdb::vtab::arrow::{WritableVector, data_chunk_to_arrow, write_arrow_array_to_vector};

use super::errors::through_duckdb;
use crate::types::error::{Result, SnowflakeError};

/// The function's name.
pub const FUNCTION: &str = "sf_system";

type Answer = dyn Fn(&[Option<String>]) -> Result<Option<String>> + Send + Sync;

/// A call that a query may reach. Its arguments are constants, so it runs once for all rows.
struct Call {
    answer: Box<Answer>,
    given: OnceLock<Result<Option<String>>>,
}

// Process-wide, as for `sf_csv`; tokens tell engines apart.
static CALLS: LazyLock<Mutex<HashMap<u64, Arc<Call>>>> = LazyLock::new(Mutex::default);
static NEXT_TOKEN: AtomicU64 = AtomicU64::new(1);

fn calls() -> MutexGuard<'static, HashMap<u64, Arc<Call>>> {
    CALLS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call that is known until this is dropped.
#[derive(Debug)]
pub struct Registered {
    token: u64,
}

/// Makes a call known. Nothing runs yet.
pub fn register(
    answer: impl Fn(&[Option<String>]) -> Result<Option<String>> + Send + Sync + 'static,
) -> Registered {
    let token = NEXT_TOKEN.fetch_add(1, Ordering::Relaxed);
    let call = Call {
        answer: Box::new(answer),
        given: OnceLock::new(),
    };
    calls().insert(token, Arc::new(call));
    Registered { token }
}

impl Registered {
    /// What stands for the call in SQL, before its arguments.
    pub fn token(&self) -> String {
        self.token.to_string()
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        calls().remove(&self.token);
    }
}

/// Makes the function known to a database.
///
/// # Errors
/// If DuckDB refuses.
pub fn define(connection: &Connection) -> Result<()> {
    connection
        .register_scalar_function::<System>(FUNCTION)
        .map_err(SnowflakeError::internal)
}

struct System;

impl VScalar for System {
    type State = ();

    fn invoke(
        (): &(),
        input: &mut DataChunkHandle,
        output: &mut dyn WritableVector,
    ) -> std::result::Result<(), Box<dyn Error>> {
        let input = data_chunk_to_arrow(input)?;
        let columns: Vec<&StringArray> = input
            .columns()
            .iter()
            .map(|column| column.as_string::<i32>())
            .collect();
        let at =
            |column: &StringArray, row| column.is_valid(row).then(|| column.value(row).to_owned());
        let mut answers = Vec::with_capacity(input.num_rows());
        for row in 0..input.num_rows() {
            let mut cells = columns.iter().map(|column| at(column, row));
            let token = cells.next().flatten().and_then(|token| token.parse().ok());
            let call = token.and_then(|token: u64| calls().get(&token).cloned());
            let call = call.ok_or("a query calls what it was not compiled with")?;
            let arguments: Vec<Option<String>> = cells.collect();
            let given = call.given.get_or_init(|| (call.answer)(&arguments));
            answers.push(given.clone().map_err(through_duckdb)?);
        }
        let answers: ArrayRef = Arc::new(StringArray::from(answers));
        write_arrow_array_to_vector(&answers, output)
    }

    fn signatures() -> Vec<ScalarFunctionSignature> {
        let text = || LogicalTypeHandle::from(LogicalTypeId::Varchar);
        vec![ScalarFunctionSignature::variadic(text(), text())]
    }

    /// So it is not folded, which would run it before the query does.
    fn volatile() -> bool {
        true
    }
}
