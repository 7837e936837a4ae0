//! CREATE VIEW, STREAM and SEQUENCE.

use crate::engine::catalog::{Body, Stream};
use crate::engine::compile::Variables;
use crate::engine::compile::time_travel;
use crate::engine::session::Session;
use crate::engine::statements::ddl::{New, change, make};
use crate::engine::statements::dml;
use crate::engine::storage;
use crate::sql::cursor::Cursor;
use crate::sql::properties::Properties;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, QueryResult};

pub(super) fn view(
    session: &Session,
    mut cursor: Cursor<'_>,
    new: &mut New,
    (text, variables): (&str, &Variables),
    temporary_of: Option<u64>,
) -> Result<()> {
    use sqlparser::tokenizer::Token;
    let mut columns = Vec::new();
    if cursor.accept_token(&Token::LParen) {
        loop {
            columns.push(cursor.identifier()?);
            if cursor.accept("COMMENT") {
                cursor.text()?;
            }
            if !cursor.accept_token(&Token::Comma) {
                break;
            }
        }
        cursor.expect_token(&Token::RParen)?;
    }
    let _ = cursor.accept("COPY GRANTS");
    let mut properties = Properties::parse(&mut cursor)?;
    new.comment = properties.take_text("COMMENT")?;
    properties.end()?;
    cursor.expect("AS")?;
    let query = cursor.rest_text().to_owned();
    let binds = Binds::default();
    let context = session.context(&binds, variables);
    let compiled = context.query(&query)?;
    let found = storage::query(
        &session.connection,
        &format!("select * from ({}) limit 0", compiled.sql),
    )?;
    if !columns.is_empty() && columns.len() != found.columns.len() {
        return Err(SnowflakeError::compilation(format!(
            "the view names {} columns, its query returns {}",
            columns.len(),
            found.columns.len()
        )));
    }
    new.body = Body::View {
        columns,
        text: text.to_owned(),
        query,
        temporary_of,
    };
    Ok(())
}

pub(super) fn stream(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    new: New,
    variables: &Variables,
) -> Result<QueryResult> {
    if cursor.accept("COPY GRANTS") {
        return Err(SnowflakeError::unsupported("COPY GRANTS"));
    }
    cursor.expect("ON")?;
    if !cursor.accept("TABLE") {
        return Err(SnowflakeError::unsupported(
            "streams on anything but tables",
        ));
    }
    let binds = Binds::default();
    let context = session.context(&binds, variables);
    let base = dml::find(&context, &cursor.name()?)?;
    context.require(&base, "SELECT")?;
    let mut offset = context.snapshot.at;
    // Nothing that the stream is to show goes while it is being made.
    let _reading = std::sync::Arc::clone(&context.snapshot.reading);
    if cursor.at_words("AT") || cursor.at_words("BEFORE") {
        let word = cursor.identifier()?;
        let (inside, _) = cursor.parenthesized()?;
        offset = time_travel::snapshot_of_text(&context, &base, &format!("{word}({inside})"))?;
    }
    let mut properties = Properties::parse(&mut cursor)?;
    cursor.end()?;
    let tracks = base.table()?.change_tracking;
    if !tracks && context.require(&base, "OWNERSHIP").is_err() {
        return Err(SnowflakeError::new(
            "003001",
            "42501",
            format!(
                "SQL access control error:\nInsufficient privileges to operate on table '{}': its owner makes its first stream, or sets CHANGE_TRACKING = TRUE",
                base.short()
            ),
        ));
    }
    drop(context);
    let append_only = properties.take_bool("APPEND_ONLY")?.unwrap_or(false);
    let show_initial_rows = properties.take_bool("SHOW_INITIAL_ROWS")?.unwrap_or(false);
    let comment = properties.take_text("COMMENT")?;
    properties.refuse(&["INSERT_ONLY"])?;
    properties.end()?;
    if show_initial_rows {
        offset = -1;
    }
    let body = Body::Stream(Stream {
        table: base.id,
        table_name: base.name(),
        append_only,
        show_initial_rows,
    });
    let shared = std::sync::Arc::clone(&session.shared);
    let made = make(
        session,
        New {
            comment,
            body,
            ..new
        },
        |connection, id| shared.set_offset(connection, id, offset),
    )?;
    if !tracks {
        change(session, &base, |o| {
            if let Body::Table(table) = &mut o.body {
                table.change_tracking = true;
            }
        })?;
    }
    Ok(made)
}

pub(super) fn sequence(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    mut new: New,
) -> Result<QueryResult> {
    let (mut start, mut step) = (1, 1);
    cursor.accept("WITH");
    loop {
        if cursor.accept("START") {
            let _ = cursor.accept("WITH") || cursor.accept_token(&sqlparser::tokenizer::Token::Eq);
            start = cursor.integer()?;
        } else if cursor.accept("INCREMENT") {
            let _ = cursor.accept("BY") || cursor.accept_token(&sqlparser::tokenizer::Token::Eq);
            step = cursor.integer()?;
        } else if !(cursor.accept("ORDER") || cursor.accept("NOORDER")) {
            break;
        }
    }
    let mut properties = Properties::parse(&mut cursor)?;
    cursor.end()?;
    new.comment = properties.take_text("COMMENT")?;
    properties.end()?;
    new.body = Body::Sequence { start, step };
    make(session, new, |connection, id| {
        let least = if step < 0 {
            " minvalue -9223372036854775807"
        } else {
            ""
        };
        storage::run(
            connection,
            &format!("create sequence \"S{id}\" increment by {step}{least} start with {start}"),
        )
    })
}
