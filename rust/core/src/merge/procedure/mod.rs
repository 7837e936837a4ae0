//! The text of `MERGE_…()` and `CAPTURE_…()`: each step of the plan as Snowflake SQL.

mod applying;
mod capture;
mod folding;
mod taking;

use super::{Identifier, MergePlan, Step, literal};

/// The file name under which edits made by hand are accounted.
pub(crate) const BY_HAND: &str = "by hand";

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
        Step::Lock => taking::lock(plan),
        Step::Clear => taking::clear(plan),
        Step::Take => taking::take(plan),
        Step::Forget => taking::forget(plan),
        Step::Touch => taking::touch(plan),
        Step::Recall => taking::recall(plan),
        Step::Capture => capture::capture(plan),
        Step::Fold => folding::fold(plan),
        Step::Refuse => folding::refuse(plan),
        Step::Remember => folding::remember(plan),
        Step::Compare => applying::compare(plan),
        Step::Apply => applying::apply(plan),
        Step::Account => applying::account(plan),
    }
}
