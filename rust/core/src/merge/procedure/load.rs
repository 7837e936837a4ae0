//! `LOAD_…(files)` loads named files of the stage and merges them; `REPORT_…(files)` reports what happened to their rows. Both run with the
//! owner's rights: the loader may call them, and needs no privilege on stage, pipe or tables.

use super::create;
use crate::merge::stage_and_pipe::{Copy, copy};
use crate::merge::statement::RenderContext;
use crate::merge::{literal, version};

/// The valid characters of a file's path below the stage: it becomes part of a statement that runs with the owner's rights.
const PATH: &str = "[A-Za-z0-9._=/-]+";

/// Prefix of the reason of a row that COPY cannot parse.
pub(crate) const NOT_LOADED: &str = "not loaded: ";

pub(in crate::merge) fn load(context: &RenderContext<'_>) -> String {
    let names = &context.names;
    let Copy { head, options } = copy(names);
    let body = format!(
        "
declare
  invalid_file exception (-20002, 'invalid path in FILES: expected letters, digits and . _ - = / only');
  path varchar default null;
  paths varchar default '';
  load_files varchar default null;
  report variant default null;
begin
  for position in 0 to array_size(files) - 1 do
    path := get(files, position)::varchar;
    -- Validate the path: it becomes part of a statement that runs with the owner's rights.
    if (not coalesce(regexp_like(path, {pattern}), false)) then
      raise invalid_file;
    end if;
    paths := paths || iff(position = 0, '', ', ') || '''' || path || '''';
  end for;

  if (paths <> '') then
    begin transaction;
    -- Take the lock. Two concurrent loads could load the same file twice: the second one waits here for the first.
    update {lock} set loads = loads + 1;
    -- COPY skips files that are already loaded: Snowflake keeps the load metadata of a table for 64 days.
    load_files := {head} || ' files = (' || paths || ') ' || {options};
    execute immediate load_files;
    -- A row that COPY cannot parse goes to staging, and the merge writes it to the rejects, as every malformed row.
    insert into {staging} (_firn_reject_reason, _firn_raw_line, {source})
    select {not_loaded} || error, coalesce(rejected_record, ''),
      iff(startswith(source_path, {prefix}), source_path, {prefix} || source_path), coalesce(row_number, line, 0), current_timestamp()
    from (
      select error, rejected_record, row_number, line, regexp_replace(file, '^s3://[^/]*/', '') as source_path
      from table(validate({staging}, job_id => '_last'))
    ) failed;
    commit;
  end if;
  call {merge}();
  call {report}(:files) into :report;
  return report;
exception
  when other then
    rollback;
    raise;
end;
",
        lock = names.load_lock,
        pattern = literal(PATH),
        head = literal(&head),
        options = literal(&options),
        staging = names.staging,
        not_loaded = literal(NOT_LOADED),
        source = names.source_list(""),
        prefix = literal(&context.stage_prefix()),
        merge = names.merge,
        report = names.report,
    );
    create(&format!("{}(files array)", names.load), &body)
}

pub(in crate::merge) fn report(context: &RenderContext<'_>) -> String {
    let names = &context.names;
    let contract = context.contract;
    let list = |names: &mut dyn Iterator<Item = &str>| {
        let names: Vec<String> = names.map(literal).collect();
        names.join(", ")
    };
    let body = format!(
        "
declare
  reports variant default null;
begin
  select array_agg(object_construct('source_file', source_file, 'rows_in', rows_in, 'history', history, 'duplicates', duplicates,
    'rejects', rejects, 'inserted', inserted, 'updated', updated, 'deleted', deleted)) into :reports
  from (
    select source_file, sum(rows_in) as rows_in, sum(history) as history, sum(duplicates) as duplicates, sum(rejects) as rejects,
      sum(inserted) as inserted, sum(updated) as updated, sum(deleted) as deleted
    from {runs}
    where source_file in (select {prefix} || value::varchar from table(flatten(input => :files)))
    group by source_file
  ) sums;
  -- The rest says what these objects are, so that a file for other ones is refused before it is uploaded.
  return object_construct('files', :reports, 'stage_url', {url}, 'contract', {version},
    'key', array_construct({key}), 'order', array_construct({order}));
end;
",
        runs = names.runs,
        url = literal(&context.deployment.storage.table_url(contract.table())),
        version = literal(&version(contract)),
        key = list(&mut contract.key().map(|one| one.name.as_str())),
        order = list(&mut contract.order_names()),
        prefix = literal(&context.stage_prefix()),
    );
    create(&format!("{}(files array)", names.report), &body)
}
