//! One statement of a block.

use sqlparser::tokenizer::Token;

use super::declaration::{declaration, parenthesized};
use super::{Action, block, opens_block, steps};
use crate::sql::cursor::Cursor;
use crate::sql::lexeme::Lexeme;
use crate::sql::tokens::statement_length;
use crate::types::error::{Result, SnowflakeError};

pub(super) fn action(cursor: &mut Cursor<'_>) -> Result<Action> {
    if opens_block(cursor.rest()) {
        return Ok(Action::Block(Box::new(block(cursor)?)));
    }
    let start = cursor.position();
    let Some(word) = cursor.peek().and_then(Lexeme::word) else {
        return Err(cursor.unexpected());
    };
    cursor.next();
    match word.as_str() {
        "LET" => return declaration(cursor).map(Action::Declare),
        "IF" => return if_action(cursor),
        "CASE" => return case_action(cursor),
        "FOR" => return for_action(cursor),
        "WHILE" => return while_action(cursor),
        "REPEAT" => return repeat_action(cursor),
        "LOOP" => {
            let body = steps(cursor, &["END"])?;
            cursor.expect("END LOOP")?;
            let label = label(cursor)?;
            return Ok(Action::Loop { body, label });
        }
        "BREAK" | "EXIT" => return label(cursor).map(Action::Break),
        "CONTINUE" | "ITERATE" => return label(cursor).map(Action::Continue),
        "NULL" => return Ok(Action::Nothing),
        "RETURN" => return return_action(cursor),
        "RAISE" => return raise_action(cursor),
        "OPEN" => return open_action(cursor),
        "FETCH" => {
            let name = cursor.identifier()?;
            cursor.expect("INTO")?;
            return Ok(Action::Fetch {
                cursor: name,
                into: targets(cursor)?,
            });
        }
        "CLOSE" => return Ok(Action::Close(cursor.identifier()?)),
        "ASYNC" | "AWAIT" => return Err(SnowflakeError::unsupported(word)),
        _ => {}
    }
    if cursor.accept_token(&Token::Assignment) {
        cursor.reset(start);
        let name = cursor.identifier()?;
        cursor.next();
        return Ok(Action::Assign {
            name,
            value: cursor.text_until(&[";"])?.to_owned(),
        });
    }
    cursor.reset(start);
    sql_action(cursor, &word)
}

fn while_action(cursor: &mut Cursor<'_>) -> Result<Action> {
    let condition = condition(cursor)?;
    let end = if cursor.accept("DO") { "WHILE" } else { "LOOP" };
    cursor.accept("LOOP");
    let body = steps(cursor, &["END"])?;
    cursor.expect("END")?;
    cursor.expect(end)?;
    let label = label(cursor)?;
    Ok(Action::While {
        condition,
        body,
        label,
    })
}

fn repeat_action(cursor: &mut Cursor<'_>) -> Result<Action> {
    let body = steps(cursor, &["UNTIL"])?;
    cursor.expect("UNTIL")?;
    let until = condition(cursor)?;
    cursor.expect("END REPEAT")?;
    let label = label(cursor)?;
    Ok(Action::Repeat { body, until, label })
}

fn open_action(cursor: &mut Cursor<'_>) -> Result<Action> {
    let name = cursor.identifier()?;
    let using = if cursor.accept("USING") {
        list(&parenthesized(cursor)?)
    } else {
        Vec::new()
    };
    Ok(Action::Open {
        cursor: name,
        using,
    })
}

fn raise_action(cursor: &mut Cursor<'_>) -> Result<Action> {
    let name = if cursor.peek().is_some_and(|l| l.token != Token::SemiColon) {
        Some(cursor.identifier()?)
    } else {
        None
    };
    Ok(Action::Raise(name))
}

/// The label that may stand before the semicolon.
pub(super) fn label(cursor: &mut Cursor<'_>) -> Result<Option<String>> {
    match cursor.peek() {
        Some(lexeme) if lexeme.token != Token::SemiColon => cursor.identifier().map(Some),
        _ => Ok(None),
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(|t| t.trim().to_owned()).collect()
}

fn targets(cursor: &mut Cursor<'_>) -> Result<Vec<String>> {
    let mut found = Vec::new();
    loop {
        cursor.accept_token(&Token::Colon);
        found.push(cursor.identifier()?);
        if !cursor.accept_token(&Token::Comma) {
            return Ok(found);
        }
    }
}

fn return_action(cursor: &mut Cursor<'_>) -> Result<Action> {
    if cursor.peek().is_none_or(|l| l.token == Token::SemiColon) {
        return Ok(Action::Return(None));
    }
    if cursor.accept("TABLE") {
        return Ok(Action::ReturnTable(parenthesized(cursor)?));
    }
    Ok(Action::Return(Some(cursor.text_until(&[";"])?.to_owned())))
}

/// What stands in the parentheses that Snowflake insists on.
fn condition(cursor: &mut Cursor<'_>) -> Result<String> {
    parenthesized(cursor).map(|text| format!("({text})"))
}

fn if_action(cursor: &mut Cursor<'_>) -> Result<Action> {
    let mut branches = Vec::new();
    let mut otherwise = Vec::new();
    loop {
        let condition = condition(cursor)?;
        cursor.expect("THEN")?;
        branches.push((condition, steps(cursor, &["END", "ELSE", "ELSEIF"])?));
        if cursor.accept("ELSEIF") {
            continue;
        }
        if cursor.accept("ELSE") {
            otherwise = steps(cursor, &["END"])?;
        }
        cursor.expect("END IF")?;
        return Ok(Action::If {
            branches,
            otherwise,
        });
    }
}

fn case_action(cursor: &mut Cursor<'_>) -> Result<Action> {
    let operand = if cursor.at_words("WHEN") {
        None
    } else {
        Some(condition(cursor)?)
    };
    let mut branches = Vec::new();
    while cursor.accept("WHEN") {
        let condition = cursor.text_until(&["THEN"])?.to_owned();
        cursor.expect("THEN")?;
        branches.push((condition, steps(cursor, &["END", "ELSE", "WHEN"])?));
    }
    let otherwise = if cursor.accept("ELSE") {
        Some(steps(cursor, &["END"])?)
    } else {
        None
    };
    cursor.expect("END")?;
    cursor.accept("CASE");
    Ok(Action::Case {
        operand,
        branches,
        otherwise,
    })
}

fn for_action(cursor: &mut Cursor<'_>) -> Result<Action> {
    let name = cursor.identifier()?;
    cursor.expect("IN")?;
    let reverse = cursor.accept("REVERSE");
    let first = cursor.text_until(&["TO", "DO", "LOOP"])?.to_owned();
    let to = if cursor.accept("TO") {
        Some(cursor.text_until(&["DO", "LOOP"])?.to_owned())
    } else {
        None
    };
    let end = if cursor.accept("DO") { "FOR" } else { "LOOP" };
    cursor.accept("LOOP");
    let body = steps(cursor, &["END"])?;
    cursor.expect("END")?;
    cursor.expect(end)?;
    let label = label(cursor)?;
    Ok(match to {
        Some(to) => Action::ForRange {
            name,
            reverse,
            from: first,
            to,
            body,
            label,
        },
        None => Action::ForCursor {
            name,
            cursor: first,
            body,
            label,
        },
    })
}

/// A SQL statement; `SELECT … INTO :a` and `CALL … INTO :a` give their INTO up.
fn sql_action(cursor: &mut Cursor<'_>, word: &str) -> Result<Action> {
    let length = statement_length(cursor.rest());
    if length == 0 {
        return Err(cursor.unexpected());
    }
    if !matches!(word, "SELECT" | "WITH" | "CALL") {
        return Ok(Action::Sql {
            text: cursor.take_text(length).to_owned(),
            into: Vec::new(),
        });
    }
    let mut inner = cursor.over(&cursor.rest()[..length]);
    cursor.take_text(length);
    let before = inner.until(&["INTO"]);
    if before >= inner.rest().len() {
        return Ok(Action::Sql {
            text: inner.rest_text().to_owned(),
            into: Vec::new(),
        });
    }
    let head = inner.take_text(before).to_owned();
    inner.expect("INTO")?;
    let into = targets(&mut inner)?;
    Ok(Action::Sql {
        text: format!("{head} {}", inner.rest_text()),
        into,
    })
}
