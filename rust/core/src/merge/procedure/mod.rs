//! The text of `MERGE_…()`: each step of the plan as Snowflake SQL; `CAPTURE_…()` calls it.
//!
//! A column that Firn adds to a work table begins with `_firn_`, which no contract's column does.

mod manual_changes;
mod staging;
mod target;
mod versions;

use super::{MergePlan, Names, Step, literal};

/// The file name under which manual changes stand in the history and the run log.
pub(crate) const MANUAL_CHANGE: &str = "manual change";

/// Why the loser of a tie is rejected.
const TIE: &str =
    "another event of this key has the same order and wins: a delete, else the greater row";

/// The merge's whole text, from `create` to its body's end. It reads the staged rows unless it is called with `false`.
pub(super) fn merge(plan: &MergePlan<'_>) -> String {
    let changed = literal(&format!(
        "{} was changed while the run was under way: nothing was changed, run it again",
        plan.contract.table()
    ));
    let body = format!(
        "
declare
  target_changed_meanwhile exception (-20001, {changed});
  started_at timestamp_ntz default date_trunc('microsecond', sysdate());
  run_id number default 0;
  runs_before number default 0;
  earliest timestamp_ntz;
  duplicate_keys number default 0;
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

{steps}

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
        steps = steps(plan).join("\n\n"),
        lock = plan.names.lock,
    );
    create(
        &format!("{}(read_staging boolean default true)", plan.names.merge),
        &body,
    )
}

/// The whole text of the capture: a merge that leaves the staged rows alone.
pub(super) fn capture(names: &Names) -> String {
    let body = format!(
        "
declare
  report variant;
begin
  call {}(false) into :report;
  return report;
end;
",
        names.merge
    );
    create(&format!("{}()", names.capture), &body)
}

fn create(signature: &str, body: &str) -> String {
    format!(
        "create or replace procedure {signature}\nreturns variant\nlanguage sql\nexecute as owner\nas\n{}",
        dollar_quoted(body)
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

/// The steps as text; those about staged rows stand in one condition.
fn steps(plan: &MergePlan<'_>) -> Vec<String> {
    let runs = plan
        .steps
        .chunk_by(|left, right| left.reads_staging() == right.reads_staging());
    let text = |run: &[Step]| {
        let steps: Vec<String> = run.iter().map(|step| render(plan, *step)).collect();
        let steps = steps.join("\n\n");
        if run.iter().all(|step| step.reads_staging()) {
            format!("  if (read_staging) then\n{steps}\n  end if;")
        } else {
            steps
        }
    };
    runs.map(text).collect()
}

/// The SQL of one step, its reason first.
fn render(plan: &MergePlan<'_>, step: Step) -> String {
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
