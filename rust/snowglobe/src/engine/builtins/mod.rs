//! What queries ask of the engine itself.
//!
//! - `information`: INFORMATION_SCHEMA
//! - `validate`: VALIDATE, which looks back at a COPY
//! - `asked`: functions that ask who, where and when
//! - `system`: the SYSTEM$ functions

mod asked;
mod information;
mod system;
mod validate;

use std::collections::BTreeMap;

use super::compile::{Builtins, Context, SystemFunction};
use super::storage::Rows;
use crate::sql::cursor::Name;
use crate::sql::fragment::Sql;
use crate::types::error::Result;
use crate::types::value::Value;

/// Answers what queries ask.
pub(crate) struct Engine;

impl Builtins for Engine {
    fn function(&self, context: &Context<'_>, name: &str, args: &[Sql]) -> Result<Option<Sql>> {
        asked::function(context, name, args)
    }

    fn system_function(&self, name: &str) -> Result<Option<&'static SystemFunction>> {
        system::find(name)
    }

    fn call(
        &self,
        context: &Context<'_>,
        name: &str,
        arguments: &[Option<String>],
    ) -> Result<Option<String>> {
        system::call(context, name, arguments)
    }

    fn view(&self, context: &Context<'_>, database: &str, name: &str) -> Result<Rows> {
        information::view(context, database, name)
    }

    fn table_function(
        &self,
        context: &Context<'_>,
        name: &str,
        arguments: &BTreeMap<String, Value>,
    ) -> Result<Rows> {
        information::table_function(context, name, arguments)
    }

    fn validate(&self, context: &Context<'_>, table: &Name, job: &str) -> Result<Rows> {
        validate::table_function(context, table, job)
    }
}
