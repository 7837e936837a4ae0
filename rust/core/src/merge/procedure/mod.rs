//! The text of `MERGE_…()`: each step of the plan as Snowflake SQL; `CAPTURE_…()` calls it.
//!
//! A column that Firn adds to a work table begins with `_firn_`, which no contract's column does.

mod load;
mod manual_changes;
mod partial;
mod snapshot;
mod staging;
mod target;
mod versions;

pub(crate) use load::NOT_LOADED;
pub(super) use load::{load, report};

use super::plan::When;
use super::{MergePlan, Names, Step, literal};

/// The file name of manual changes in the history and the run log.
pub(crate) const MANUAL_CHANGE: &str = "manual change";

/// The reject reason of the loser of a tie.
pub(crate) const TIE: &str =
    "another event of this key has the same order and wins: a delete, else the greater row";

/// A call ends after this time and leaves the remaining rows to the next call: well below Snowflake's task timeout of an hour.
const LONGEST_CALL_SECONDS: u32 = 1800;

/// The merge's whole text, from `create` to the end of its body. It reads the staged rows unless its first argument is false; if its second
/// argument is true it compares the whole target with the history.
pub(super) fn merge(plan: &MergePlan<'_>) -> String {
    let changed = literal(&format!(
        "{} was changed while the run was under way: nothing was changed, run it again",
        plan.contract.table()
    ));
    let totals = COUNTS.map(|count| format!("  all_{count} number default 0;"));
    let counts = COUNTS.map(|count| format!("  {count} number default 0;"));
    let body = format!(
        "
declare
  target_changed_meanwhile exception (-20001, {changed});
{DECLARATIONS}{of_snapshots}
{counts}
{totals}
begin
{check_streams}

{rounds}
  return object_construct('run_id', :run_id, 'rows_in', :all_rows_in, 'history', :all_history,
    'duplicates', :all_rows_in - :all_history - :all_rejects, 'rejects', :all_rejects,
    'inserted', :all_inserted, 'updated', :all_updated, 'deleted', :all_deleted);
exception
  when other then
    rollback;
    raise;
end;
",
        of_snapshots = snapshot::declarations(plan.contract),
        counts = counts.join("\n"),
        totals = totals.join("\n"),
        check_streams = check_streams(&plan.names),
        rounds = rounds(plan),
    );
    create(
        &format!(
            "{}(read_staging boolean default true, reconcile boolean default false)",
            plan.names.merge
        ),
        &body,
    )
}

/// The counts of a round; the remaining rows are duplicates.
const COUNTS: [&str; 6] = [
    "rows_in", "history", "rejects", "inserted", "updated", "deleted",
];

const DECLARATIONS: &str = "  called_at timestamp_ntz default sysdate();
  compare_all boolean default reconcile;
  started_at timestamp_ntz default null;
  run_id number default 0;
  runs_before number default 0;
  waiting number default 0;
  target_changed boolean default false;
  staged_rows number default 0;
  last_file varchar default null;
  last_loaded_at timestamp_ltz default null;
  event_rows number default 0;
  touched_keys number default 0;
  duplicate_keys number default 0;
  late_keys number default 0;
  earliest timestamp_ntz default null;
  expected number default 0;";

fn check_streams(names: &Names) -> String {
    format!(
        "  -- Recreate a stream that is stale or whose table was replaced. Its changes of the target are then found by comparison;
  -- staging needs no comparison, because the merge reads its rows directly.
  begin
    select count(*) into :waiting from {staging_stream} where false;
  exception
    when other then
      create or replace stream {staging_stream} on table {staging} append_only = true;
  end;
  begin
    select count(*) into :waiting from {changes} where false;
  exception
    when other then
      create or replace stream {changes} on table {target};
      compare_all := true;
  end;",
        staging = names.staging,
        staging_stream = names.staging_stream,
        target = names.target,
        changes = names.changes,
    )
}

fn rounds(plan: &MergePlan<'_>) -> String {
    let names = &plan.names;
    let zero = COUNTS.map(|count| format!("    {count} := 0;"));
    let add = COUNTS.map(|count| format!("    all_{count} := all_{count} + {count};"));
    format!(
        "  -- Each round is one transaction: a slice of the staged rows, or the changes in a stream. The last round finds only changes that the
  -- earlier rounds wrote, and moves the streams past them, so that they do not trigger the task.
  loop
    select count(*) into :waiting from (select 1 from {staging} limit 1) staged;
    select system$stream_has_data({changes_name}) into :target_changed;
    if (not compare_all and not target_changed and (waiting = 0 or not read_staging)) then
      break;
    end if;
    started_at := date_trunc('microsecond', sysdate());
    event_rows := 0;
{zero}
    select max(runs) into :runs_before from {lock};
    begin transaction;

{steps}

    commit;
{add}
    compare_all := false;
    if ((event_rows = 0 and touched_keys = 0) or datediff(second, called_at, sysdate()) > {LONGEST_CALL_SECONDS}) then
      break;
    end if;
  end loop;",
        staging = names.staging,
        changes_name = literal(&names.changes.to_string()),
        zero = zero.join("\n"),
        add = add.join("\n"),
        steps = indented(&steps(plan).join("\n\n")),
        lock = names.lock,
    )
}

/// Indents each line by two more blanks.
fn indented(text: &str) -> String {
    let lines = text.lines().map(|line| {
        if line.is_empty() {
            String::new()
        } else {
            format!("  {line}")
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The whole text of the capture: a merge that ignores the staged rows.
pub(super) fn capture(names: &Names) -> String {
    let body = format!(
        "
declare
  report variant default null;
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

/// The steps as text; steps that not every run takes are inside a condition.
fn steps(plan: &MergePlan<'_>) -> Vec<String> {
    let groups = plan
        .steps
        .chunk_by(|left, right| left.when() == right.when());
    let text = |group: &[Step]| {
        let steps: Vec<String> = group.iter().map(|step| render(plan, *step)).collect();
        let steps = steps.join("\n\n");
        let condition = match group.first().map(|step| step.when()) {
            Some(When::ReadsStaging) => "read_staging",
            Some(When::Reconciles) => "compare_all",
            Some(When::AnythingToDo) => "event_rows > 0 or touched_keys > 0",
            Some(When::Always) | None => return steps,
        };
        format!("  if ({condition}) then\n{}\n  end if;", indented(&steps))
    };
    groups.map(text).collect()
}

/// The SQL of one step, after a comment with its reason.
fn render(plan: &MergePlan<'_>, step: Step) -> String {
    match step {
        Step::TakeLock => staging::take_lock(plan),
        Step::ClearWorkTables => staging::clear_work_tables(plan),
        Step::ReadStaging => staging::read_staging(plan),
        Step::DeleteStaged => staging::delete_staged(plan),
        Step::ReadSnapshot => snapshot::read_snapshot(plan),
        Step::FindKnownRows => snapshot::find_known_rows(plan),
        Step::FindDifferences => staging::find_differences(plan),
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
