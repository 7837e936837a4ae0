//! MERGE, in every form of WHEN.
//!
//! A plan says for each joined pair which clause it falls under and what the row becomes. A target row that two source rows would change is an error,
//! unless ERROR_ON_NONDETERMINISTIC_MERGE says that an arbitrary one wins.
//!
//! - `clause`: the WHEN clauses, read, and the plan
//! - `apply`: what becomes of the rows

mod apply;
mod clause;

use super::dml::{Target, answer, stream_locks};
use crate::engine::compile::Variables;
use crate::engine::session::Session;
use crate::sql::cursor::Cursor;
use crate::types::error::Result;
use crate::types::value::{Binds, QueryResult, StatementKind};

use apply::apply;
use clause::{check_reachable, clause, plan_text};

enum Action {
    Update(Vec<(String, String)>),
    Delete,
    Insert(Vec<(String, String)>),
}

struct Clause {
    matched: bool,
    condition: Option<String>,
    action: Action,
}

/// Runs a MERGE.
pub(crate) fn run(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    binds: &Binds,
    variables: &Variables,
) -> Result<QueryResult> {
    cursor.expect("MERGE INTO")?;
    let context = session.context(binds, variables);
    let target = Target::parse(&context, &mut cursor, &["USING"])?;
    cursor.expect("USING")?;
    let source = cursor.text_until(&["ON"])?.to_owned();
    cursor.expect("ON")?;
    let on = cursor.text_until(&["WHEN"])?.to_owned();
    let mut clauses = Vec::new();
    while cursor.accept("WHEN") {
        clauses.push(clause(&context, &mut cursor, &target, &source)?);
    }
    cursor.end()?;
    if clauses.is_empty() {
        return Err(cursor.unexpected());
    }
    for clause in &clauses {
        let privilege = match clause.action {
            Action::Update(_) => "UPDATE",
            Action::Delete => "DELETE",
            Action::Insert(_) => "INSERT",
        };
        context.require(&target.object, privilege)?;
    }
    check_reachable(&clauses)?;
    let plan = plan_text(&target, &source, &on, &clauses)?;
    let mut locks = stream_locks(&context, &context.plan(&plan, target.object.id)?.streams);
    locks.push(target.lock());
    drop(context);
    let strict = session
        .parameters
        .is_true("ERROR_ON_NONDETERMINISTIC_MERGE");
    let stats = session.write(&locks, binds, variables, |context, stamp, effects| {
        let compiled = context.plan(&plan, target.object.id)?;
        effects.streams.extend(&compiled.streams);
        effects.tables.insert(target.object.id);
        apply(context, &target, &clauses, &compiled.sql, strict, stamp)
    })?;
    let has = |wanted: fn(&Action) -> bool| clauses.iter().any(|c| wanted(&c.action));
    let mut counts = Vec::new();
    if has(|a| matches!(a, Action::Insert(_))) {
        counts.push(("number of rows inserted", stats.inserted));
    }
    if has(|a| matches!(a, Action::Update(_))) {
        counts.push(("number of rows updated", stats.updated));
    }
    if has(|a| matches!(a, Action::Delete)) {
        counts.push(("number of rows deleted", stats.deleted));
    }
    Ok(answer(StatementKind::Merge, &counts, stats))
}
