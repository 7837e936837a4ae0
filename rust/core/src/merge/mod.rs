//! Renders a contract's SQL: the plan of a merge, then the text of every script.
//!
//! | file | what |
//! | --- | --- |
//! | `identifier` | names and literals with any characters |
//! | `deployment` | the location of the objects: database, roles, warehouse, bucket |
//! | `names` | the names of all objects of a contract |
//! | `expression` | SQL for one column or one row: checks, casts, comparisons |
//! | `plan` | the steps of `MERGE_…()`, without text |
//! | `procedure` | the text of those steps |
//! | `tables`, `roles`, `stage_and_pipe` | the text of all other objects |
//! | `statement` | one statement, with the role that runs it |
//! | `version` | the version of a contract that the objects belong to |
//! | `script` | statements in files, for people and for `firn bootstrap` |
//!
//! Pure: no network, no clock.

mod deployment;
mod expression;
mod identifier;
mod names;
mod plan;
mod procedure;
mod roles;
mod script;
mod stage_and_pipe;
mod statement;
mod tables;
mod version;

pub use deployment::{Deployment, Schedule, Storage, prefix_name};
pub(crate) use expression::{order_list, time_text};
pub use identifier::{Identifier, literal};
pub use names::Names;
pub use plan::{MergePlan, Step};
pub(crate) use procedure::{MANUAL_CHANGE, NOT_LOADED, TIE};
pub use script::{Script, scripts};
pub(crate) use stage_and_pipe::{DIRECT_FOLDER, pipe_comment};
pub use statement::Statement;
pub(crate) use version::version;

#[cfg(test)]
mod tests;
