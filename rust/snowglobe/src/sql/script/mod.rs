//! Snowflake Scripting: its statements, parsed. SQL and expressions stay text.
//!
//! - `declaration`: what stands after DECLARE
//! - `action`: one statement of a block
//! - `syntax`: the SQL and the expressions of a block, parsed without being run

mod action;
mod declaration;
mod syntax;

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::lexeme::Lexeme;
use crate::types::error::Result;
use crate::types::value::SnowflakeType;

use action::action;
use declaration::declaration;
pub use syntax::check;

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

pub(super) fn block(cursor: &mut Cursor<'_>) -> Result<Block> {
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

pub(super) fn steps(cursor: &mut Cursor<'_>, ends: &[&str]) -> Result<Vec<Step>> {
    cursor.deeper(|cursor| steps_until(cursor, ends))
}

fn steps_until(cursor: &mut Cursor<'_>, ends: &[&str]) -> Result<Vec<Step>> {
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
