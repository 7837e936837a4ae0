//! Snowflake's tokens with their place in the text, and the cutting of a text into statements.

use super::lexeme::Lexeme;
use super::limits;
use sqlparser::dialect::SnowflakeDialect;
use sqlparser::tokenizer::{Location, Token, Tokenizer};

use crate::types::error::{Result, SnowflakeError};

/// The tokens of `sql`, without white space and comments.
///
/// # Errors
/// A syntax error for a quote or comment that does not end.
pub fn lex(sql: &str) -> Result<Vec<Lexeme>> {
    let tokens = Tokenizer::new(&SnowflakeDialect {}, sql)
        .with_unescape(true)
        .tokenize_with_location()
        .map_err(|e| {
            SnowflakeError::syntax(
                e.location.line,
                e.location.column.saturating_sub(1),
                &e.message,
            )
        })?;
    let mut places = Places::of(sql);
    let kept = tokens
        .into_iter()
        .filter(|t| !matches!(t.token, Token::Whitespace(_) | Token::EOF));
    let lexemes: Vec<Lexeme> = kept
        .map(|t| Lexeme {
            start: places.byte(t.span.start),
            end: places.byte(t.span.end),
            line: t.span.start.line,
            column: t.span.start.column,
            token: t.token,
        })
        .collect();
    limits::check(&lexemes)?;
    Ok(lexemes)
}

/// Turns the tokenizer's lines and columns into bytes. They come in order, so a long text is walked through once.
struct Places<'a> {
    sql: &'a str,
    reached: Location,
    byte: usize,
}

impl<'a> Places<'a> {
    fn of(sql: &'a str) -> Self {
        Self {
            sql,
            reached: Location { line: 1, column: 1 },
            byte: 0,
        }
    }

    fn byte(&mut self, at: Location) -> usize {
        let rest = self.sql.get(self.byte..).unwrap_or_default();
        for char in rest.chars() {
            if (self.reached.line, self.reached.column) >= (at.line, at.column) {
                break;
            }
            self.byte += char.len_utf8();
            if char == '\n' {
                self.reached.line += 1;
                self.reached.column = 1;
            } else {
                self.reached.column += 1;
            }
        }
        self.byte
    }
}

/// Cuts a text at the semicolons between its statements; those inside a scripting block, a `$$` body or a `CASE` do not count.
///
/// # Errors
/// As [`lex`].
pub fn split_statements(sql: &str) -> Result<Vec<String>> {
    let lexemes = lex(sql)?;
    let mut statements = Vec::new();
    let mut first = 0;
    while first < lexemes.len() {
        let length = statement_length(&lexemes[first..]);
        if length > 0 {
            let span = lexemes[first].start..lexemes[first + length - 1].end;
            statements.push(sql[span].to_owned());
        }
        first += length + 1;
    }
    Ok(statements)
}

/// How many of `lexemes` make the first statement, its semicolon not counted.
pub fn statement_length(lexemes: &[Lexeme]) -> usize {
    let mut depth = 0_usize;
    for (at, lexeme) in lexemes.iter().enumerate() {
        if lexeme.token == Token::SemiColon && depth == 0 {
            return at;
        }
        depth = block_depth(lexemes, at, depth);
    }
    lexemes.len()
}

/// The depth of scripting blocks after the token at `at`.
pub fn block_depth(lexemes: &[Lexeme], at: usize, depth: usize) -> usize {
    let lexeme = &lexemes[at];
    let Some(word) = lexeme.word() else {
        return depth;
    };
    let previous = at.checked_sub(1).map(|p| &lexemes[p]);
    let next = lexemes.get(at + 1);
    let after_end = previous.is_some_and(|p| p.is_word("END"));
    // `AS BEGIN` opens a body; `BEGIN;` and `BEGIN TRANSACTION` are statements of their own.
    let opens_statement = previous.is_none_or(|p| {
        p.token == Token::SemiColon
            || ["AS", "THEN", "ELSE", "DO", "LOOP", "BEGIN", "IMMEDIATE"]
                .iter()
                .any(|w| p.is_word(w))
    });
    match word.as_str() {
        "DECLARE" if opens_statement => depth + 1,
        "BEGIN" => {
            let plain = next.is_none_or(|n| {
                n.token == Token::SemiColon
                    || ["TRANSACTION", "WORK", "NAME"].iter().any(|w| n.is_word(w))
            });
            let declared = depth > 0 && declares_before(lexemes, at);
            if plain || declared { depth } else { depth + 1 }
        }
        "CASE" if !after_end => depth + 1,
        "IF" | "FOR" | "WHILE" | "LOOP" | "REPEAT"
            if depth > 0 && opens_statement && !after_end =>
        {
            depth + 1
        }
        "END" => depth.saturating_sub(1),
        _ => depth,
    }
}

/// Whether the `BEGIN` at `at` belongs to a `DECLARE` that already counts as its block.
fn declares_before(lexemes: &[Lexeme], at: usize) -> bool {
    let mut depth = 0_i32;
    for lexeme in lexemes[..at].iter().rev() {
        if lexeme.is_word("END") {
            depth += 1;
        } else if lexeme.is_word("BEGIN") {
            if depth == 0 {
                return false;
            }
            depth -= 1;
        } else if lexeme.is_word("DECLARE") && depth <= 0 {
            return true;
        }
    }
    false
}
