//! What statements mean, one module for each kind.
//!
//! - `identifiers`: `IDENTIFIER(…)`, before a statement is read
//! - `stages`: LIST, REMOVE, and stages as relations
//! - `dml`, `merge`: INSERT, UPDATE, DELETE, TRUNCATE and MERGE
//! - `query`: queries, and the values of expressions
//! - `copy`: COPY INTO and COPY FILES
//! - `script`: blocks, procedures and EXECUTE IMMEDIATE
//! - `tasks`, `pipes`: what their definitions may say
//! - `ddl`, `grants`: CREATE, ALTER, DROP, UNDROP, COMMENT; GRANT and REVOKE
//! - `show`: SHOW and DESCRIBE

pub(crate) mod copy;
pub(crate) mod ddl;
pub(crate) mod dml;
pub(crate) mod grants;
pub(crate) mod identifiers;
pub(crate) mod merge;
pub(crate) mod pipes;
pub(crate) mod query;
pub(crate) mod script;
pub(crate) mod show;
pub(crate) mod stages;
pub(crate) mod tasks;
