//! Decides by a statement's first words who runs it.

use std::collections::BTreeMap;

use sqlparser::tokenizer::Token;

use super::session::Session;
use super::storage;
use crate::engine::catalog::Kind;
use crate::engine::compile::{Context, Variables};
use crate::engine::services::tasks;
use crate::engine::statements::dml;
use crate::engine::statements::merge;
use crate::engine::statements::query::{evaluate, query};
use crate::engine::statements::{copy, ddl, grants, identifiers, script, show, stages};
use crate::sql::cursor::{Cursor, Name};
use crate::sql::lexeme::Lexeme;
use crate::sql::tokens::{lex, split_statements};
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, ColumnMeta, QueryResult, SnowflakeType, StatementKind};

/// Runs one statement.
pub(crate) fn statement(
    session: &mut Session,
    sql: &str,
    binds: &Binds,
    variables: &Variables,
) -> Result<QueryResult> {
    let mut lexemes = lex(sql)?;
    check_names(&lexemes)?;
    while lexemes.last().is_some_and(|l| l.token == Token::SemiColon) {
        lexemes.pop();
    }
    if lexemes.is_empty() {
        return Err(SnowflakeError::new(
            "000900",
            "42601",
            "Empty SQL statement.",
        ));
    }
    let text = &sql[..lexemes[lexemes.len() - 1].end];
    if script::is_block(&lexemes) {
        return script::run_block(session, text, variables);
    }
    if !is_definition(&lexemes) {
        let (named, left) = identifiers::resolve(session, text, binds, variables)?;
        if named != text {
            return statement(session, &named, &left, variables);
        }
    }
    let count = split_statements(text)?.len();
    if count > 1 {
        return Err(SnowflakeError::new(
            "000008",
            "0A000",
            format!("Actual statement count {count} did not match the desired statement count 1."),
        ));
    }
    one(session, (text, &lexemes), binds, variables)
}

/// Runs a statement that is the only one in its text.
fn one(
    session: &mut Session,
    (text, lexemes): (&str, &[Lexeme]),
    binds: &Binds,
    variables: &Variables,
) -> Result<QueryResult> {
    let mut cursor = Cursor::new(text, lexemes);
    let Some(word) = lexemes[0].word() else {
        return query(session, text, binds, variables);
    };
    match word.as_str() {
        "WITH" if cursor.is_after(2, "AS PROCEDURE") => {
            script::call_anonymous(session, cursor, binds, variables)
        }
        "SELECT" | "WITH" | "VALUES" | "FROM" => query(session, text, binds, variables),
        "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "TRUNCATE" => {
            session.use_warehouse()?;
            if word == "TRUNCATE"
                && !lexemes.get(1).is_some_and(|l| l.is_word("TABLE"))
                && lexemes.len() < 2
            {
                return Err(cursor.unexpected());
            }
            stages::with_staged(session, text, binds, variables, |session| {
                match word.as_str() {
                    "MERGE" => merge::run(session, cursor, binds, variables),
                    _ => dml::run(session, cursor, binds, variables),
                }
            })
        }
        "COPY" => {
            session.use_warehouse()?;
            cursor.next();
            copy::run(session, cursor, binds, variables)
        }
        "BEGIN" | "START" | "COMMIT" | "ROLLBACK" => transaction(session, &mut cursor),
        "CREATE" | "DROP" | "ALTER" | "UNDROP" | "COMMENT" if !is_alter_session(lexemes) => {
            session.commit_before_ddl()?;
            ddl::run(session, cursor, text, variables)
        }
        "GRANT" | "REVOKE" => {
            session.commit_before_ddl()?;
            grants::run(session, cursor)
        }
        "SHOW" | "DESCRIBE" | "DESC" => show::run(session, cursor),
        "USE" => use_object(session, &mut cursor),
        "SET" => set(session, &mut cursor, binds, variables),
        "UNSET" => unset(session, &mut cursor),
        "ALTER" => alter_session(session, &mut cursor),
        "CALL" => script::call(session, cursor, binds, variables),
        "EXECUTE" if cursor.at_words("EXECUTE IMMEDIATE") => {
            script::execute_immediate(session, cursor, binds, variables)
        }
        "EXECUTE" => {
            cursor.expect("EXECUTE TASK")?;
            tasks::execute(session, cursor)
        }
        "LIST" | "LS" | "REMOVE" | "RM" | "PUT" | "GET" => stages::run(session, cursor),
        "EXPLAIN" => explain(session, cursor, binds, variables),
        _ => Err(cursor.unexpected()),
    }
}

/// Fails for a name with a control character: such names are for Snowglobe's own use.
fn check_names(lexemes: &[Lexeme]) -> Result<()> {
    let is_control = |lexeme: &&Lexeme| match &lexeme.token {
        Token::Word(word) => word.value.contains(|c: char| c.is_control()),
        _ => false,
    };
    match lexemes.iter().find(is_control) {
        Some(lexeme) => {
            let shown = lexeme.token.to_string().escape_debug().to_string();
            Err(SnowflakeError::syntax(
                lexeme.line,
                lexeme.column - 1,
                &shown,
            ))
        }
        None => Ok(()),
    }
}

/// Whether the names in the statement are for a later run to resolve.
fn is_definition(lexemes: &[Lexeme]) -> bool {
    lexemes[0].is_word("CREATE")
        && lexemes
            .iter()
            .take(6)
            .any(|l| l.is_word("PROCEDURE") || l.is_word("TASK"))
}

fn explain(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    binds: &Binds,
    variables: &Variables,
) -> Result<QueryResult> {
    cursor.next();
    if cursor.accept("USING") {
        cursor.identifier()?;
    }
    let context = session.context(binds, variables);
    let compiled = context.query(cursor.rest_text())?;
    let rows = storage::query(&session.connection, &format!("explain {}", compiled.sql))?;
    let columns = vec![
        ColumnMeta::new("step", SnowflakeType::TEXT),
        ColumnMeta::new("content", SnowflakeType::TEXT),
    ];
    Ok(QueryResult {
        columns,
        rows: rows.rows,
        kind: StatementKind::Show,
        ..QueryResult::default()
    })
}

fn transaction(session: &mut Session, cursor: &mut Cursor<'_>) -> Result<QueryResult> {
    let word = cursor.identifier()?;
    if word == "START" {
        cursor.expect("TRANSACTION")?;
    } else {
        let _ = cursor.accept("TRANSACTION") || cursor.accept("WORK");
    }
    let mut name = None;
    if matches!(word.as_str(), "BEGIN" | "START") && cursor.accept("NAME") {
        name = Some(cursor.identifier()?);
    }
    cursor.end()?;
    match word.as_str() {
        "COMMIT" => session.commit()?,
        "ROLLBACK" => session.rollback()?,
        _ => session.begin(name),
    }
    Ok(QueryResult {
        kind: StatementKind::Transaction,
        ..QueryResult::status("Statement executed successfully.")
    })
}

fn done() -> QueryResult {
    QueryResult {
        kind: StatementKind::Session,
        ..QueryResult::status("Statement executed successfully.")
    }
}

/// The role of that name, which the user must have.
fn role_to_take(context: &Context<'_>, name: &Name) -> Result<String> {
    let role = context.find(Kind::Role, name)?;
    if !context
        .snapshot
        .catalog
        .may_take_role(&context.names.user, role.short())
    {
        return Err(SnowflakeError::new(
            "003013",
            "42501",
            format!(
                "SQL access control error:\nRequested role '{}' is not assigned to the executing user. Specify another role to activate.",
                role.short()
            ),
        ));
    }
    Ok(role.short().to_owned())
}

fn use_object(session: &mut Session, cursor: &mut Cursor<'_>) -> Result<QueryResult> {
    cursor.expect("USE")?;
    let kind = ["ROLE", "WAREHOUSE", "DATABASE", "SCHEMA", "SECONDARY"]
        .into_iter()
        .find(|word| {
            // `USE role` alone could be a database of that name; a name must follow.
            cursor.at_words(word) && cursor.rest().len() > 1
        });
    if kind.is_some() {
        cursor.next();
    }
    if kind == Some("SECONDARY") {
        cursor.expect("ROLES")?;
        if cursor.accept("NONE") && cursor.is_done() {
            return Ok(done());
        }
        return Err(SnowflakeError::unsupported(
            "USE SECONDARY ROLES other than NONE",
        ));
    }
    let name = cursor.name()?;
    cursor.end()?;
    let (binds, variables) = (Binds::default(), BTreeMap::new());
    let context = session.context(&binds, &variables);
    match kind {
        Some("ROLE") => {
            session.frame_mut().role = role_to_take(&context, &name)?;
        }
        Some("WAREHOUSE") => {
            session.warehouse = Some(context.find(Kind::Warehouse, &name)?.short().to_owned())
        }
        Some("SCHEMA") => {
            let schema = context.find(Kind::Schema, &name)?;
            let frame = session.frame_mut();
            frame.database = Some(schema.path[0].clone());
            frame.schema = Some(schema.path[1].clone());
        }
        None if name.0.len() == 2 => {
            let schema = context.find(Kind::Schema, &name)?;
            let frame = session.frame_mut();
            frame.database = Some(schema.path[0].clone());
            frame.schema = Some(schema.path[1].clone());
        }
        _ => {
            let database = context.find(Kind::Database, &name)?;
            let public = vec![database.short().to_owned(), "PUBLIC".to_owned()];
            let has_public = context
                .snapshot
                .catalog
                .find(Kind::Schema, &public)
                .is_some();
            let frame = session.frame_mut();
            frame.database = Some(database.short().to_owned());
            frame.schema = has_public.then(|| "PUBLIC".to_owned());
        }
    }
    Ok(done())
}

fn set(
    session: &mut Session,
    cursor: &mut Cursor<'_>,
    binds: &Binds,
    variables: &Variables,
) -> Result<QueryResult> {
    cursor.expect("SET")?;
    let mut names = Vec::new();
    let mut values = Vec::new();
    if cursor.accept_token(&Token::LParen) {
        loop {
            names.push(cursor.identifier()?);
            if !cursor.accept_token(&Token::Comma) {
                break;
            }
        }
        cursor.expect_token(&Token::RParen)?;
        cursor.expect_token(&Token::Eq)?;
        cursor.expect_token(&Token::LParen)?;
        loop {
            values.push(cursor.text_until(&[",", ")"])?.to_owned());
            if !cursor.accept_token(&Token::Comma) {
                break;
            }
        }
        cursor.expect_token(&Token::RParen)?;
    } else {
        names.push(cursor.identifier()?);
        cursor.expect_token(&Token::Eq)?;
        values.push(cursor.text_until(&[])?.to_owned());
    }
    cursor.end()?;
    if names.len() != values.len() {
        return Err(SnowflakeError::compilation(
            "the number of variables and of values differ",
        ));
    }
    for (name, value) in names.into_iter().zip(values) {
        let value = evaluate(session, &value, binds, variables)?;
        session.variables.insert(name, value);
    }
    Ok(done())
}

fn unset(session: &mut Session, cursor: &mut Cursor<'_>) -> Result<QueryResult> {
    cursor.expect("UNSET")?;
    let parenthesized = cursor.accept_token(&Token::LParen);
    loop {
        let name = cursor.identifier()?;
        session.variables.remove(&name);
        if !cursor.accept_token(&Token::Comma) {
            break;
        }
    }
    if parenthesized {
        cursor.expect_token(&Token::RParen)?;
    }
    cursor.end()?;
    Ok(done())
}

fn is_alter_session(lexemes: &[Lexeme]) -> bool {
    lexemes[0].is_word("ALTER") && lexemes.get(1).is_some_and(|l| l.is_word("SESSION"))
}

fn alter_session(session: &mut Session, cursor: &mut Cursor<'_>) -> Result<QueryResult> {
    cursor.expect("ALTER SESSION")?;
    if cursor.accept("UNSET") {
        loop {
            let name = cursor.identifier()?;
            commit_before(session, &name)?;
            session.parameters.unset(&name);
            if !cursor.accept_token(&Token::Comma) {
                break;
            }
        }
        cursor.end()?;
        session.apply_time_zone()?;
        return Ok(done());
    }
    cursor.expect("SET")?;
    let mut properties = crate::sql::properties::Properties::parse(cursor)?;
    cursor.end()?;
    let keys: Vec<String> = properties.keys().map(str::to_owned).collect();
    for key in keys {
        let value = properties.take_text(&key)?.unwrap_or_default();
        commit_before(session, &key)?;
        session.set_parameter(&key, &value)?;
    }
    Ok(done())
}

/// "AUTOCOMMIT": setting it commits the transaction that is open.
fn commit_before(session: &mut Session, parameter: &str) -> Result<()> {
    match parameter.eq_ignore_ascii_case("AUTOCOMMIT") {
        true => session.commit(),
        false => Ok(()),
    }
}
