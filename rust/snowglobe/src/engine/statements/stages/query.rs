//! Stages as relations: what a statement reads from them is in temporary tables while it runs.

use std::collections::BTreeMap;

use sqlparser::tokenizer::Token;

use super::file::{format_for, read};
use super::location::locate;
use super::matching;
use super::records::{Source, append, create_table, width};
use crate::engine::compile::stage_marker;
use crate::engine::compile::{Context, Variables};
use crate::engine::files::formats;
use crate::engine::files::formats::Format;
use crate::engine::session::Session;
use crate::engine::storage;
use crate::sql::cursor::Cursor;
use crate::sql::properties::Properties;
use crate::sql::tokens::lex;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::Binds;

/// Does `work` on a statement whose stages are read into temporary tables meanwhile.
///
/// # Errors
/// If a stage is not there, or its files cannot be read; and what `work` says.
pub(crate) fn with_staged<T>(
    session: &mut Session,
    sql: &str,
    binds: &Binds,
    variables: &Variables,
    work: impl FnOnce(&mut Session) -> Result<T>,
) -> Result<T> {
    session.staged = read_stages(session, sql, binds, variables)?;
    let done = work(session);
    let staged = std::mem::take(&mut session.staged);
    forget(session, &staged);
    done
}

/// The relation of each stage that the statement names.
fn read_stages(
    session: &Session,
    sql: &str,
    binds: &Binds,
    variables: &Variables,
) -> Result<BTreeMap<String, String>> {
    let lexemes = lex(sql)?;
    let mut staged = BTreeMap::new();
    for (at, lexeme) in lexemes.iter().enumerate() {
        if lexeme.token != Token::AtSign {
            continue;
        }
        let (marker, _) = stage_marker(sql, &lexemes[at..]);
        if staged.contains_key(&marker) {
            continue;
        }
        let table = format!("_stage_{}", staged.len());
        let context = session.context(binds, variables);
        let format = read_stage(&context, &marker, &table, highest_column(sql))?;
        staged.insert(marker, relation(&table, &format));
    }
    Ok(staged)
}

/// Reads the files of a stage into a table, which has at least so many columns. Their format.
fn read_stage(context: &Context<'_>, marker: &str, table: &str, least: usize) -> Result<Format> {
    let (place, options) = marker
        .split_once('(')
        .map_or((marker, ""), |(p, o)| (p, o.trim_end_matches(')')));
    let location = locate(context, place.trim())?;
    let option_lexemes = lex(options)?;
    let mut properties = Properties::parse(&mut Cursor::new(options, &option_lexemes))?;
    let pattern = properties.take_text("PATTERN")?;
    let format = properties
        .take("FILE_FORMAT")
        .map(formats::option_text)
        .transpose()?
        .unwrap_or_default();
    properties.end()?;
    let format = format_for(context, &location, &format)?;
    if format.parse_header {
        return Err(SnowflakeError::unsupported(
            "PARSE_HEADER = TRUE in a query on a stage",
        ));
    }
    let files = matching(
        context.connection,
        location.list(&context.environment.shared)?,
        &location,
        pattern.as_deref(),
    )?;
    let mut contents = Vec::new();
    for file in files {
        contents.push((
            read(&context.environment.shared, &location, &file.key, &format)?,
            file,
        ));
    }
    let widest = contents
        .iter()
        .map(|(bytes, _)| width(bytes, &format))
        .max()
        .unwrap_or(1)
        .max(least);
    create_table(context.connection, table, widest)?;
    for (bytes, file) in &contents {
        let source = Source {
            bytes,
            format: &format,
            object: file,
            name: location.file_name(&file.key),
        };
        let read = append(
            context.connection,
            table,
            &source,
            widest,
            None,
            context.snapshot.now,
        )?;
        if let Some((row, line, character, fault)) = read.faults.first() {
            return Err(SnowflakeError::new(
                "100066",
                "22000",
                format!(
                    "{}\n  File '{}', line {line}, character {character}\n  Row {row}",
                    fault.message, file.key
                ),
            ));
        }
    }
    Ok(format)
}

/// The staged files as a relation.
pub fn relation(table: &str, format: &Format) -> String {
    if format.is_json {
        return format!("(select * exclude (\"$1\"), \"$1\"::json as \"$1\" from {table})");
    }
    format!("(select * exclude (_line) from {table})")
}

/// The highest `$n` of the text.
pub fn highest_column(sql: &str) -> usize {
    let numbers = sql.split('$').skip(1).map(|rest| {
        rest.chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
    });
    numbers
        .filter_map(|digits| digits.parse().ok())
        .filter(|n| *n <= 10_000)
        .max()
        .unwrap_or(0)
}

/// Drops the temporary tables of a query.
fn forget(session: &Session, staged: &BTreeMap<String, String>) {
    for at in 0..staged.len() {
        let _ = storage::run(
            &session.connection,
            &format!("drop table if exists _stage_{at}"),
        );
    }
}
