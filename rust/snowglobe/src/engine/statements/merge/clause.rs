//! The WHEN clauses, and the plan that says for each pair which of them it falls under.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

use super::{Action, Clause};
use crate::engine::compile::Context;
use crate::engine::statements::dml::{Target, assignments, column, or_default};
use crate::engine::storage;
use crate::sql::cursor::{Cursor, quoted};
use crate::sql::lexeme::Lexeme;
use crate::sql::tokens::lex;
use crate::types::error::{Result, SnowflakeError};

pub(super) fn clause(
    context: &Context<'_>,
    cursor: &mut Cursor<'_>,
    target: &Target,
    source: &str,
) -> Result<Clause> {
    let matched = !cursor.accept("NOT");
    cursor.expect("MATCHED")?;
    let mut condition = if cursor.accept("AND") {
        Some(cursor.text_until(&["THEN"])?.to_owned())
    } else {
        None
    };
    cursor.expect("THEN")?;
    let action = if matched && cursor.accept("UPDATE") {
        if cursor.accept("ALL BY NAME") {
            Action::Update(by_name(context, target, source)?)
        } else {
            cursor.expect("SET")?;
            Action::Update(assignments(cursor, target, &["WHEN"])?)
        }
    } else if matched {
        cursor.expect("DELETE")?;
        Action::Delete
    } else {
        cursor.expect("INSERT")?;
        if cursor.accept("ALL BY NAME") {
            Action::Insert(by_name(context, target, source)?)
        } else {
            let values = insert_values(cursor, target)?;
            let texts = values.iter().map(|(_, value)| value.as_str());
            let texts = of_source(context, target, source, texts.chain(condition.as_deref()))?;
            let mut texts = texts.into_iter();
            let values: Vec<_> = values
                .into_iter()
                .map(|(name, value)| (name, texts.next().unwrap_or(value)))
                .collect();
            condition = texts.next().or(condition);
            Action::Insert(values)
        }
    };
    Ok(Clause {
        matched,
        condition,
        action,
    })
}

/// Fails if a clause stands behind one of its kind that has no condition.
pub(super) fn check_reachable(clauses: &[Clause]) -> Result<()> {
    for matched in [true, false] {
        let mut of_kind = clauses.iter().filter(|c| c.matched == matched);
        of_kind.find(|c| c.condition.is_none());
        if of_kind.next().is_some() {
            let kind = if matched { "MATCHED" } else { "NOT MATCHED" };
            return Err(SnowflakeError::compilation(format!(
                "unreachable WHEN {kind} clause: one without AND must be the last of its kind"
            )));
        }
    }
    Ok(())
}

/// Each column of the target with the source's column of that name; both must have the same names.
fn by_name(context: &Context<'_>, target: &Target, source: &str) -> Result<Vec<(String, String)>> {
    let found = source_columns(context, source)?;
    let columns = &target.table()?.columns;
    let has = |name: &str| found.iter().any(|found| found == name);
    if found.len() != columns.len() || !columns.iter().all(|c| has(&c.name)) {
        return Err(SnowflakeError::compilation(
            "ALL BY NAME needs the same number of columns with the same names in the target table and the source",
        ));
    }
    let alias = source_alias(source)?;
    Ok(columns
        .iter()
        .map(|c| (c.name.clone(), format!("{alias}.{}", quoted(&c.name))))
        .collect())
}

/// Expressions of a WHEN NOT MATCHED clause, which sees the source alone: a name that the target has, too, is given the source's alias.
fn of_source<'t>(
    context: &Context<'_>,
    target: &Target,
    source: &str,
    texts: impl Iterator<Item = &'t str>,
) -> Result<Vec<String>> {
    let columns = &target.table()?.columns;
    let mut alias = None;
    let mut written = Vec::new();
    for text in texts {
        let lexemes = lex(text)?;
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for (at, lexeme) in lexemes.iter().enumerate() {
            let token = |at: Option<usize>| at.and_then(|at| lexemes.get(at)).map(|l| &l.token);
            let is_alone = token(at.checked_sub(1)) != Some(&Token::Period)
                && !matches!(token(Some(at + 1)), Some(Token::Period | Token::LParen));
            let name = match &lexeme.token {
                Token::Word(word) if word.quote_style.is_some() => word.value.clone(),
                Token::Word(word) => word.value.to_uppercase(),
                _ => continue,
            };
            if !is_alone || !columns.iter().any(|c| c.name == name) {
                continue;
            }
            if alias.is_none() {
                alias = Some(match source_alias(source) {
                    Ok(alias) => (alias, source_columns(context, source)?),
                    Err(_) => (String::new(), Vec::new()),
                });
            }
            if let Some((alias, found)) = &alias
                && found.contains(&name)
            {
                out.push_str(&text[done..lexeme.start]);
                out.push_str(&format!("{alias}."));
                done = lexeme.start;
            }
        }
        out.push_str(&text[done..]);
        written.push(out);
    }
    Ok(written)
}

fn source_columns(context: &Context<'_>, source: &str) -> Result<Vec<String>> {
    let compiled = context.query(&format!("select * from {source}"))?;
    let empty = format!("select * from ({}) limit 0", compiled.sql);
    let found = storage::query(context.connection, &empty)?.columns;
    Ok(found.into_iter().map(|column| column.name).collect())
}

/// The name that the source goes by.
fn source_alias(source: &str) -> Result<String> {
    let lexemes = lex(source)?;
    let mut cursor = Cursor::new(source, &lexemes);
    let mut name = None;
    if cursor.peek().is_some_and(|l| l.token == Token::LParen) {
        cursor.parenthesized()?;
    } else {
        name = Some(cursor.name()?.last().to_owned());
    }
    cursor.accept("AS");
    if !cursor.is_done() {
        name = Some(cursor.identifier()?);
    }
    match name {
        Some(name) => Ok(quoted(&name)),
        None => Err(SnowflakeError::unsupported(
            "ALL BY NAME from a source without an alias",
        )),
    }
}

fn insert_values(cursor: &mut Cursor<'_>, target: &Target) -> Result<Vec<(String, String)>> {
    let mut names = Vec::new();
    if cursor.accept_token(&Token::LParen) {
        loop {
            names.push(column(&target.object, cursor.name()?.last())?.name.clone());
            if !cursor.accept_token(&Token::Comma) {
                break;
            }
        }
        cursor.expect_token(&Token::RParen)?;
    } else {
        names.extend(target.table()?.columns.iter().map(|c| c.name.clone()));
    }
    cursor.expect("VALUES")?;
    cursor.expect_token(&Token::LParen)?;
    let mut values = Vec::new();
    loop {
        values.push(cursor.text_until(&[",", ")"])?.to_owned());
        if !cursor.accept_token(&Token::Comma) {
            break;
        }
    }
    cursor.expect_token(&Token::RParen)?;
    if values.len() != names.len() {
        return Err(SnowflakeError::new(
            "002020",
            "21S01",
            format!(
                "SQL compilation error:\nInsert value list does not match column list expecting {} but got {}",
                names.len(),
                values.len()
            ),
        ));
    }
    let pair = |(name, value): (String, String)| {
        let value = or_default(&target.object, &name, value)?;
        Ok((name, value))
    };
    names.into_iter().zip(values).map(pair).collect()
}

/// The query behind the plan: the clause that each pair falls under (0 for none), and what its expressions make of it.
pub(super) fn plan_text(
    target: &Target,
    source: &str,
    on: &str,
    clauses: &[Clause],
) -> Result<String> {
    let alias = quoted(&target.alias);
    let choose = |matched: bool| {
        let mut text = "case".to_owned();
        for (at, clause) in clauses
            .iter()
            .enumerate()
            .filter(|(_, c)| c.matched == matched)
        {
            text.push_str(&format!(
                " when {} then {}",
                clause.condition.as_deref().unwrap_or("true"),
                at + 1
            ));
        }
        if text == "case" {
            "0".to_owned()
        } else {
            text + " else 0 end"
        }
    };
    let mut items = vec![
        format!("{alias}._rid as _rid"),
        format!("{alias}._row as _row"),
        format!(
            "case when {alias}._rid is not null then {} else {} end as _act",
            choose(true),
            choose(false)
        ),
    ];
    for (at, clause) in clauses.iter().enumerate() {
        let (Action::Update(set) | Action::Insert(set)) = &clause.action else {
            continue;
        };
        for (n, (_, value)) in set.iter().enumerate() {
            let act = at + 1;
            // What may fail is reckoned for the clause's own rows alone; a column cannot.
            items.push(if is_column(value)? {
                format!("{value} as v{act}_{n}")
            } else {
                format!("case when _act = {act} then ({value}) end as v{act}_{n}")
            });
        }
    }
    if clauses
        .iter()
        .any(|c| matches!(c.action, Action::Update(_)))
    {
        let old = target
            .table()?
            .columns
            .iter()
            .enumerate()
            .map(|(n, c)| format!("{alias}.{} as o{n}", quoted(&c.name)));
        items.extend(old);
    }
    let join = if clauses.iter().any(|c| !c.matched) {
        "left join"
    } else {
        "join"
    };
    Ok(format!(
        "select {} from {source} {join} {} on ({on})",
        items.join(", "),
        target.relation()
    ))
}

/// Whether an expression is a column with its qualifiers, and nothing else.
fn is_column(text: &str) -> Result<bool> {
    let lexemes = lex(text)?;
    let is_part = |(at, lexeme): (usize, &Lexeme)| match &lexeme.token {
        Token::Word(word) => {
            at % 2 == 0
                && (at > 0 || word.quote_style.is_some() || word.keyword == Keyword::NoKeyword)
        }
        token => at % 2 == 1 && *token == Token::Period,
    };
    Ok(lexemes.len() >= 3 && lexemes.len() % 2 == 1 && lexemes.iter().enumerate().all(is_part))
}
