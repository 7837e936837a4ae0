//! Snowflake Scripting: its statements, parsed. SQL and expressions stay text.

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::tokens::{Lexeme, statement_length};
use super::types;
use crate::engine::error::{Result, SnowflakeError};
use crate::engine::value::SnowflakeType;

/// `DECLARE … BEGIN … EXCEPTION … END`.
#[derive(Clone, Debug, Default)]
pub struct Block {
    pub declarations: Vec<Declaration>,
    pub body: Vec<Step>,
    pub handlers: Vec<Handler>,
}

/// `WHEN name OR name THEN …`; `OTHER` is a name too.
#[derive(Clone, Debug)]
pub struct Handler {
    pub names: Vec<String>,
    /// Whether the block goes on with the statement after the one that failed.
    pub continues: bool,
    pub body: Vec<Step>,
}

/// What a name is declared as.
#[derive(Clone, Debug)]
pub enum Declaration {
    Variable {
        name: String,
        kind: Option<SnowflakeType>,
        value: Option<String>,
    },
    ResultSet {
        name: String,
        query: Option<String>,
    },
    Cursor {
        name: String,
        query: String,
    },
    Exception {
        name: String,
        code: i64,
        message: String,
    },
}

/// A statement and where it stands (line 1-based, position 0-based).
#[derive(Clone, Debug)]
pub struct Step {
    pub line: u64,
    pub position: u64,
    pub action: Action,
}

/// What a statement does.
#[derive(Clone, Debug)]
pub enum Action {
    Declare(Declaration),
    Assign {
        name: String,
        value: String,
    },
    If {
        branches: Vec<(String, Vec<Step>)>,
        otherwise: Vec<Step>,
    },
    Case {
        operand: Option<String>,
        branches: Vec<(String, Vec<Step>)>,
        otherwise: Option<Vec<Step>>,
    },
    ForRange {
        name: String,
        reverse: bool,
        from: String,
        to: String,
        body: Vec<Step>,
        label: Option<String>,
    },
    ForCursor {
        name: String,
        cursor: String,
        body: Vec<Step>,
        label: Option<String>,
    },
    While {
        condition: String,
        body: Vec<Step>,
        label: Option<String>,
    },
    Repeat {
        body: Vec<Step>,
        until: String,
        label: Option<String>,
    },
    Loop {
        body: Vec<Step>,
        label: Option<String>,
    },
    /// Of the loop with that label, or the innermost.
    Break(Option<String>),
    Continue(Option<String>),
    Return(Option<String>),
    /// `RETURN TABLE(name or query)`
    ReturnTable(String),
    Raise(Option<String>),
    Block(Box<Block>),
    Open {
        cursor: String,
        using: Vec<String>,
    },
    Fetch {
        cursor: String,
        into: Vec<String>,
    },
    Close(String),
    /// A SQL statement, with the variables that `INTO` names.
    Sql {
        text: String,
        into: Vec<String>,
    },
    Nothing,
}

/// Parses a block.
///
/// # Errors
/// Syntax errors.
pub fn parse(cursor: &mut Cursor<'_>) -> Result<Block> {
    let block = block(cursor)?;
    cursor.accept_token(&Token::SemiColon);
    cursor.end()?;
    Ok(block)
}

/// Whether `BEGIN` at the cursor opens a block and not a transaction.
pub fn opens_block(rest: &[Lexeme]) -> bool {
    let Some(first) = rest.first() else {
        return false;
    };
    if first.is_word("DECLARE") {
        return true;
    }
    let next = rest.get(1);
    first.is_word("BEGIN")
        && !next.is_none_or(|n| {
            n.token == Token::SemiColon
                || ["TRANSACTION", "WORK", "NAME"].iter().any(|w| n.is_word(w))
        })
}

fn block(cursor: &mut Cursor<'_>) -> Result<Block> {
    let mut found = Block::default();
    if cursor.accept("DECLARE") {
        while !cursor.at_words("BEGIN") {
            found.declarations.push(declaration(cursor)?);
            cursor.expect_token(&Token::SemiColon)?;
        }
    }
    cursor.expect("BEGIN")?;
    found.body = steps(cursor, &["END", "EXCEPTION"])?;
    if cursor.accept("EXCEPTION") {
        while cursor.accept("WHEN") {
            let mut names = vec![cursor.identifier()?];
            while cursor.accept("OR") {
                names.push(cursor.identifier()?);
            }
            let continues = cursor.accept("CONTINUE");
            cursor.accept("EXIT");
            cursor.expect("THEN")?;
            found.handlers.push(Handler {
                names,
                continues,
                body: steps(cursor, &["END", "WHEN"])?,
            });
        }
    }
    cursor.expect("END")?;
    Ok(found)
}

fn steps(cursor: &mut Cursor<'_>, ends: &[&str]) -> Result<Vec<Step>> {
    let mut found = Vec::new();
    while !ends.iter().any(|end| cursor.at_words(end)) {
        let Some(first) = cursor.peek() else {
            return Err(cursor.unexpected());
        };
        let (line, position) = (first.line, first.column - 1);
        let action = action(cursor)?;
        cursor.expect_token(&Token::SemiColon)?;
        found.push(Step {
            line,
            position,
            action,
        });
    }
    Ok(found)
}

fn declaration(cursor: &mut Cursor<'_>) -> Result<Declaration> {
    let name = cursor.identifier()?;
    if cursor.accept("RESULTSET") {
        let is_given = cursor.accept("DEFAULT") || cursor.accept_token(&Token::Assignment);
        let query = if is_given {
            Some(parenthesized(cursor)?)
        } else {
            None
        };
        return Ok(Declaration::ResultSet { name, query });
    }
    if cursor.accept("CURSOR") {
        cursor.expect("FOR")?;
        let query = cursor.text_until(&[";"])?.to_owned();
        return Ok(Declaration::Cursor { name, query });
    }
    if cursor.accept("EXCEPTION") {
        let (mut code, mut message) = (-20_000, String::new());
        if cursor.accept_token(&Token::LParen) {
            code = cursor.integer()?;
            if !(-20_999..=-20_000).contains(&code) {
                return Err(SnowflakeError::compilation(format!(
                    "the number of exception {name} is {code}, not between -20999 and -20000"
                )));
            }
            if cursor.accept_token(&Token::Comma) {
                message = cursor.text()?;
            }
            cursor.expect_token(&Token::RParen)?;
        }
        return Ok(Declaration::Exception {
            name,
            code,
            message,
        });
    }
    let is_typed = cursor
        .peek()
        .is_some_and(|l| matches!(l.token, Token::Word(_)))
        && !cursor.at_words("DEFAULT");
    let kind = if is_typed {
        Some(types::parse(cursor)?)
    } else {
        None
    };
    let is_given = cursor.accept("DEFAULT") || cursor.accept_token(&Token::Assignment);
    let value = if is_given {
        Some(cursor.text_until(&[";"])?.to_owned())
    } else {
        None
    };
    if kind.is_none() && value.is_none() {
        return Err(cursor.unexpected());
    }
    Ok(Declaration::Variable { name, kind, value })
}

fn parenthesized(cursor: &mut Cursor<'_>) -> Result<String> {
    cursor.parenthesized().map(|(text, _)| text.to_owned())
}

fn action(cursor: &mut Cursor<'_>) -> Result<Action> {
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
        "WHILE" => {
            let condition = cursor.text_until(&["DO", "LOOP"])?.to_owned();
            let end = if cursor.accept("DO") { "WHILE" } else { "LOOP" };
            cursor.accept("LOOP");
            let body = steps(cursor, &["END"])?;
            cursor.expect("END")?;
            cursor.expect(end)?;
            let label = label(cursor)?;
            return Ok(Action::While {
                condition,
                body,
                label,
            });
        }
        "REPEAT" => {
            let body = steps(cursor, &["UNTIL"])?;
            cursor.expect("UNTIL")?;
            let until = cursor.text_until(&["END"])?.to_owned();
            cursor.expect("END REPEAT")?;
            let label = label(cursor)?;
            return Ok(Action::Repeat { body, until, label });
        }
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
        "RAISE" => {
            let name = if cursor.peek().is_some_and(|l| l.token != Token::SemiColon) {
                Some(cursor.identifier()?)
            } else {
                None
            };
            return Ok(Action::Raise(name));
        }
        "OPEN" => {
            let name = cursor.identifier()?;
            let using = if cursor.accept("USING") {
                list(&parenthesized(cursor)?)
            } else {
                Vec::new()
            };
            return Ok(Action::Open {
                cursor: name,
                using,
            });
        }
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

/// The label that may stand before the semicolon.
fn label(cursor: &mut Cursor<'_>) -> Result<Option<String>> {
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

fn if_action(cursor: &mut Cursor<'_>) -> Result<Action> {
    let mut branches = Vec::new();
    let mut otherwise = Vec::new();
    loop {
        let condition = cursor.text_until(&["THEN"])?.to_owned();
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
        Some(cursor.text_until(&["WHEN"])?.to_owned())
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
