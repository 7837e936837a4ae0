//! DELETE and TRUNCATE: versions ended.

use super::{Target, answer, find, stream_locks};
use crate::engine::catalog::Object;
use crate::engine::compile::Context;
use crate::engine::compile::Variables;
use crate::engine::session::{Effects, Session};
use crate::engine::storage;
use crate::sql::cursor::{Cursor, quoted};
use crate::types::error::Result;
use crate::types::value::{Binds, QueryResult, RowStats, StatementKind};

pub(super) fn delete(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    binds: &Binds,
    variables: &Variables,
) -> Result<QueryResult> {
    cursor.expect("FROM")?;
    let context = session.context(binds, variables);
    let target = Target::parse(&context, &mut cursor, &["USING", "WHERE"])?;
    context.require(&target.object, "DELETE")?;
    let using = if cursor.accept("USING") {
        format!(", {}", cursor.text_until(&["WHERE"])?)
    } else {
        String::new()
    };
    let condition = if cursor.accept("WHERE") {
        cursor.text_until(&[])?.to_owned()
    } else {
        "true".to_owned()
    };
    cursor.end()?;
    let plan = format!(
        "select {}._row from {}{using} where {condition}",
        quoted(&target.alias),
        target.relation()
    );
    let mut locks = stream_locks(&context, &context.plan(&plan, target.object.id)?.streams);
    locks.push(target.lock());
    drop(context);
    let deleted = session.write(&locks, binds, variables, |context, stamp, effects| {
        let compiled = context.plan(&plan, target.object.id)?;
        effects.streams.extend(&compiled.streams);
        effects.tables.insert(target.object.id);
        storage::change(
            context.connection,
            &format!(
                "update {} set _end = {stamp} where rowid in ({})",
                target.physical(),
                compiled.sql
            ),
        )
    })?;
    let stats = RowStats {
        deleted,
        ..RowStats::default()
    };
    Ok(answer(
        StatementKind::Delete,
        &[("number of rows deleted", deleted)],
        stats,
    ))
}

pub(super) fn truncate(session: &mut Session, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    cursor.accept("TABLE");
    let if_exists = cursor.accept("IF EXISTS");
    let name = cursor.name()?;
    cursor.end()?;
    let (binds, variables) = (Binds::default(), Variables::new());
    let context = session.context(&binds, &variables);
    let object = match find(&context, &name) {
        Err(error) if if_exists && error.code == "002003" => {
            return Ok(QueryResult::status("Statement executed successfully."));
        }
        found => found?,
    };
    context.require(&object, "TRUNCATE")?;
    drop(context);
    let locks = [(object.id, object.name().to_string())];
    let deleted = session.write(&locks, &binds, &variables, |context, stamp, effects| {
        empty(context, &object, stamp, effects)
    })?;
    let stats = RowStats {
        deleted,
        ..RowStats::default()
    };
    Ok(QueryResult {
        stats,
        ..QueryResult::status("Statement executed successfully.")
    })
}

/// Ends every row, and forgets what COPY has loaded: it will load the same files again. What pipes have loaded is remembered with the pipe.
fn empty(context: &Context<'_>, object: &Object, stamp: i64, effects: &mut Effects) -> Result<u64> {
    effects.tables.insert(object.id);
    effects.forgotten.insert(object.id);
    effects.records.push(format!(
        "update sys_loads set counts = false where target = {} and pipe = 0",
        object.id
    ));
    storage::change(
        context.connection,
        &format!(
            "update \"T{}\" set _end = {stamp} where {}",
            object.id,
            context.visible()
        ),
    )
}
