//! SHOW TRANSACTIONS and SHOW LOCKS: those of one's own, or of the account.

use super::{table, text};
use crate::engine::compile::Context;
use crate::engine::state::transaction::Open;
use crate::sql::cursor::Cursor;
use crate::types::error::Result;
use crate::types::value::{QueryResult, Value};

/// The open transactions that the statement asks for.
fn open(context: &Context<'_>, cursor: &mut Cursor<'_>) -> Result<Vec<Open>> {
    let whole = cursor.accept("IN ACCOUNT");
    cursor.end()?;
    let mut open = context.environment.shared.locks.open();
    open.retain(|t| whole || t.user == context.names.user);
    Ok(open)
}

pub(super) fn transactions(context: &Context<'_>, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    let row = |t: Open| {
        vec![
            ("id", Value::Number(t.id.into())),
            ("user", text(t.user)),
            ("session", Value::Number(t.session.into())),
            ("name", text(t.name)),
            ("started_on", Value::TimestampLtz(t.started_micros)),
            ("state", text("running".to_owned())),
        ]
    };
    let open = open(context, &mut cursor)?;
    let names = ["id", "user", "session", "name", "started_on", "state"];
    Ok(table(open.into_iter().map(row).collect(), &names))
}

pub(super) fn locks(context: &Context<'_>, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    let open = open(context, &mut cursor)?;
    let mut rows = Vec::new();
    for lock in context.environment.shared.locks.list() {
        // A statement that is a transaction by itself is not shown.
        let Some(transaction) = open.iter().find(|t| t.id == lock.transaction) else {
            continue;
        };
        let since = lock.since_micros;
        let status = since.map_or("WAITING", |_| "HOLDING");
        rows.push(vec![
            ("resource", text(lock.resource)),
            ("type", text("PARTITIONS".to_owned())),
            ("transaction", Value::Number(lock.transaction.into())),
            (
                "transaction_started_on",
                Value::TimestampLtz(transaction.started_micros),
            ),
            ("status", text(status.to_owned())),
            (
                "acquired_on",
                since.map_or(Value::Null, Value::TimestampLtz),
            ),
            ("session", Value::Number(transaction.session.into())),
        ]);
    }
    let names = [
        "resource",
        "type",
        "transaction",
        "transaction_started_on",
        "status",
        "acquired_on",
        "session",
    ];
    Ok(table(rows, &names))
}
