//! What queries ask of the engine itself. The compiler knows the questions alone; who answers is given to it.

use std::collections::BTreeMap;

use super::{Context, SystemFunction};
use crate::engine::storage::Rows;
use crate::sql::cursor::Name;
use crate::sql::fragment::Sql;
use crate::types::error::Result;
use crate::types::value::Value;

/// Answers what a query asks of the engine.
pub trait Builtins: Send + Sync {
    /// The SQL of a function that asks who, where and when; none for any other.
    fn function(&self, context: &Context<'_>, name: &str, args: &[Sql]) -> Result<Option<Sql>>;

    /// The SYSTEM$ function of that name; none if the name begins otherwise.
    fn system_function(&self, name: &str) -> Result<Option<&'static SystemFunction>>;

    /// Runs a SYSTEM$ function.
    fn call(
        &self,
        context: &Context<'_>,
        name: &str,
        arguments: &[Option<String>],
    ) -> Result<Option<String>>;

    /// The rows of a view of INFORMATION_SCHEMA.
    fn view(&self, context: &Context<'_>, database: &str, name: &str) -> Result<Rows>;

    /// The rows of a table function of INFORMATION_SCHEMA.
    fn table_function(
        &self,
        context: &Context<'_>,
        name: &str,
        arguments: &BTreeMap<String, Value>,
    ) -> Result<Rows>;

    /// The rows of `VALIDATE(table, JOB_ID => job)`.
    fn validate(&self, context: &Context<'_>, table: &Name, job: &str) -> Result<Rows>;
}
