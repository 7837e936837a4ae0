//! The text of `MERGE_…()` and `CAPTURE_…()`: each step of the plan as Snowflake SQL.

mod manual_changes;
mod staging;
mod target;
mod versions;

use super::{Identifier, MergePlan, Step, literal};

/// The file name under which edits made by hand are accounted.
pub(crate) const MANUAL_CHANGE: &str = "by hand";

/// What the loser of a tie is told.
const TIE: &str =
    "another event of this key has the same order and wins: a delete, else the greater row";

/// A procedure's whole text, from `create` to its body's end.
pub(super) fn procedure(plan: &MergePlan<'_>, name: &Identifier) -> String {
    let contract = plan.contract;
    let edited = literal(&format!(
        "{} was edited while the run was under way: nothing was changed, run it again",
        contract.table()
    ));
    let steps: Vec<String> = plan.steps.iter().map(|step| render(plan, *step)).collect();
    let body = format!(
        "
declare
  edited_meanwhile exception (-20001, {edited});
  started_at timestamp_ntz default date_trunc('microsecond', sysdate());
  run_id number default 0;
  runs_before number default 0;
  earliest timestamp_ntz;
  twins number default 0;
  rows_in number default 0;
  history number default 0;
  rejects number default 0;
  inserted number default 0;
  updated number default 0;
  deleted number default 0;
  expected number default 0;
begin
  select max(runs) into :runs_before from {lock};
  begin transaction;

{}

  commit;
  return object_construct('run_id', :run_id, 'rows_in', :rows_in, 'history', :history,
    'duplicates', :rows_in - :history - :rejects, 'rejects', :rejects,
    'inserted', :inserted, 'updated', :updated, 'deleted', :deleted);
exception
  when other then
    rollback;
    raise;
end;
",
        steps.join("\n\n"),
        lock = plan.names.lock,
    );
    format!(
        "create or replace procedure {name}()\nreturns variant\nlanguage sql\nexecute as owner\nas\n{}",
        dollar_quoted(&body)
    )
}

/// A procedure's body between `$$`, or as a literal if it holds `$$` itself.
fn dollar_quoted(body: &str) -> String {
    if body.contains("$$") {
        literal(body)
    } else {
        format!("$${body}$$")
    }
}

/// The SQL of one step, its reason first.
pub(super) fn render(plan: &MergePlan<'_>, step: Step) -> String {
    match step {
        Step::TakeLock => staging::take_lock(plan),
        Step::ClearWorkTables => staging::clear_work_tables(plan),
        Step::ReadStaging => staging::read_staging(plan),
        Step::DeleteStaged => staging::delete_staged(plan),
        Step::FindTouchedKeys => staging::find_touched_keys(plan),
        Step::ReadHistory => staging::read_history(plan),
        Step::CaptureManualChanges => manual_changes::capture_manual_changes(plan),
        Step::ResolveVersions => versions::resolve_versions(plan),
        Step::WriteRejects => versions::write_rejects(plan),
        Step::WriteHistory => versions::write_history(plan),
        Step::CompareWithTarget => target::compare_with_target(plan),
        Step::ApplyToTarget => target::apply_to_target(plan),
        Step::WriteRunLog => target::write_run_log(plan),
    }
}
