//! Scripts: the files in `sql/`, whose statements `firn bootstrap` runs one by one.

use std::fmt::Write as _;

use super::statement::{RenderContext, Statement};
use super::{Deployment, MergePlan, Names, procedure, roles, stage_and_pipe, tables};
use crate::contract::Contract;

/// The script that drops everything.
const DROP: &str = "99_drop.sql";

/// One file of `sql/`.
#[derive(Clone, Debug)]
pub struct Script {
    /// The file's name, like `60_merge.sql`.
    pub name: &'static str,
    /// Purpose and prerequisites, for the file's head.
    pub about: String,
    /// The statements in their order.
    pub statements: Vec<Statement>,
}

/// Every script of a contract and a deployment, in the order in which they run; the last drops everything.
///
/// ```
/// use firn::{contract::Contract, merge::{Deployment, scripts}};
/// let scripts = scripts(&Contract::customer(), &Deployment::default());
/// assert_eq!(scripts[6].name, "60_merge.sql");
/// ```
#[must_use]
pub fn scripts(contract: &Contract, deployment: &Deployment) -> Vec<Script> {
    let context = RenderContext {
        contract,
        deployment,
        names: Names::of(contract),
    };
    let table = contract.table();
    let merge_about = format!(
        "Merges staged rows into {table} and its history. Needs 50_streams.sql. Safe to rerun."
    );
    let capture_about = format!(
        "Captures manual changes of {table} in its history, with the procedure of 60_merge.sql. Safe to rerun."
    );
    let load_about = format!(
        "Loads named files of the stage and merges them into {table}; reports what happened to the rows of files.
The loader's role needs no other privilege. Needs 40_pipe.sql and 60_merge.sql. Safe to rerun."
    );
    type Render = fn(&RenderContext<'_>) -> Vec<Statement>;
    let all: [(&'static str, String, Render); 12] = [
        ("00_roles.sql", roles::ROLES.into(), roles::roles),
        ("10_database.sql", roles::DATABASE.into(), roles::database),
        (
            "20_stage.sql",
            stage_and_pipe::stage_about(&context),
            stage_and_pipe::stage,
        ),
        ("30_tables.sql", tables::ABOUT.into(), tables::tables),
        (
            "40_pipe.sql",
            stage_and_pipe::PIPE.into(),
            stage_and_pipe::pipe,
        ),
        (
            "50_streams.sql",
            stage_and_pipe::STREAMS.into(),
            stage_and_pipe::streams,
        ),
        ("60_merge.sql", merge_about, merge),
        ("70_capture.sql", capture_about, capture),
        ("75_load.sql", load_about, load),
        (
            "80_tasks.sql",
            stage_and_pipe::TASKS.into(),
            stage_and_pipe::tasks,
        ),
        ("90_views.sql", tables::VIEWS.into(), tables::views),
        (DROP, roles::DROP.into(), roles::drop),
    ];
    all.into_iter()
        .map(|(name, about, render)| Script {
            name,
            about,
            statements: render(&context),
        })
        .collect()
}

fn merge(context: &RenderContext<'_>) -> Vec<Statement> {
    let sql = procedure::merge(&MergePlan::of(
        context.contract,
        context.deployment.slice_rows,
    ));
    let signature = format!("{}(boolean, boolean)", context.names.merge);
    callable(context, sql, &signature)
}

fn capture(context: &RenderContext<'_>) -> Vec<Statement> {
    let sql = procedure::capture(&context.names);
    let signature = format!("{}()", context.names.capture);
    callable(context, sql, &signature)
}

fn load(context: &RenderContext<'_>) -> Vec<Statement> {
    let names = &context.names;
    let report = procedure::report(context);
    let load = procedure::load(context);
    let mut statements = callable(context, report, &format!("{}(array)", names.report));
    statements.extend(callable(context, load, &format!("{}(array)", names.load)));
    statements
}

/// A procedure that the loader may call.
fn callable(context: &RenderContext<'_>, sql: String, signature: &str) -> Vec<Statement> {
    let loader = &context.deployment.loader;
    let grant = format!("grant usage on procedure {signature} to role {loader}");
    vec![context.owned(sql), context.owned(grant)]
}

impl Script {
    /// Whether the script drops everything.
    #[must_use]
    pub fn is_drop(&self) -> bool {
        self.name == DROP
    }

    /// The file's text: its head, then every statement, with `use` where the role or the schema changes.
    #[must_use]
    pub fn text(&self, deployment: &Deployment) -> String {
        let mut text = String::new();
        let _ = writeln!(
            text,
            "-- {}, rendered by `firn sql` from the contract. Change the contract, not this file.",
            self.name
        );
        for line in self.about.lines() {
            let _ = writeln!(text, "{}", format!("-- {line}").trim_end());
        }
        let mut role = None;
        let mut in_schema = false;
        for statement in &self.statements {
            text.push('\n');
            if role.as_ref() != Some(&statement.role) {
                let _ = writeln!(text, "use role {};", statement.role);
                role = Some(statement.role.clone());
                in_schema = false;
            }
            if statement.in_schema && !in_schema {
                let _ = writeln!(
                    text,
                    "use schema {}.{};",
                    deployment.database, deployment.schema
                );
                in_schema = true;
            }
            let _ = writeln!(text, "{};", statement.sql);
        }
        text
    }
}
