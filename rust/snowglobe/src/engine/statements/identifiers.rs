//! `IDENTIFIER(…)`: puts the name that a literal, a variable or a bind holds in its place, before a statement is read.

use std::borrow::Cow;

use sqlparser::tokenizer::Token;

use crate::engine::compile::Typed;
use crate::engine::compile::Variables;
use crate::engine::session::Session;
use crate::sql::cursor::Name;
use crate::sql::lexeme::Lexeme;
use crate::sql::tokens::lex;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, Value};

/// The statement with its names, and the binds that are left for it.
///
/// # Errors
/// If a variable or bind is not there, or holds no name.
pub(crate) fn resolve<'t>(
    session: &Session,
    text: &'t str,
    binds: &'t Binds,
    variables: &Variables,
) -> Result<(Cow<'t, str>, Cow<'t, Binds>)> {
    if !text.to_ascii_uppercase().contains("IDENTIFIER") {
        return Ok((text.into(), Cow::Borrowed(binds)));
    }
    let lexemes = lex(text)?;
    let mut left = binds.clone();
    let (mut out, mut done, mut question_marks) = (String::new(), 0, 0);
    let mut at = 0;
    while at < lexemes.len() {
        let Some((argument, length)) = argument(&lexemes[at..]) else {
            question_marks += usize::from(is_question_mark(&lexemes[at].token));
            at += 1;
            continue;
        };
        let name = match argument {
            [one] if is_question_mark(&one.token) => {
                if question_marks >= left.0.len() {
                    return Err(SnowflakeError::compilation("a bind variable is not set"));
                }
                left.0.remove(question_marks).values.into_iter().next()
            }
            _ => name_of(session, argument, binds, variables),
        };
        let name = name.flatten().ok_or_else(|| {
            SnowflakeError::compilation("IDENTIFIER needs a text, a variable or a bind with a name")
        })?;
        out.push_str(&text[done..lexemes[at].start]);
        out.push_str(&Name::parse(&name)?.to_string());
        done = lexemes[at + length - 1].end;
        at += length;
    }
    out.push_str(&text[done..]);
    Ok((out.into(), Cow::Owned(left)))
}

fn is_question_mark(token: &Token) -> bool {
    matches!(token, Token::Placeholder(text) if text == "?")
}

/// What stands in the parentheses of `IDENTIFIER(…)` at the first token, and how many tokens it all takes.
fn argument(lexemes: &[Lexeme]) -> Option<(&[Lexeme], usize)> {
    let opens = lexemes[0].is_word("IDENTIFIER") && lexemes.get(1)?.token == Token::LParen;
    let length = lexemes.iter().position(|l| l.token == Token::RParen)? + 1;
    opens.then(|| (&lexemes[2..length - 1], length))
}

fn name_of(
    session: &Session,
    argument: &[Lexeme],
    binds: &Binds,
    variables: &Variables,
) -> Option<Option<String>> {
    let text = |typed: &Typed| match &typed.value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    match argument {
        [one] => match &one.token {
            Token::SingleQuotedString(text) => Some(Some(text.clone())),
            Token::Placeholder(variable) => session
                .variables
                .get(&variable[1..].to_uppercase())
                .filter(|_| !session.frame().is_owners)
                .map(text),
            _ => None,
        },
        [colon, name] if colon.token == Token::Colon => match &name.token {
            Token::Number(digits, _) => {
                let at = digits.parse::<usize>().ok()?.checked_sub(1)?;
                binds.0.get(at)?.values.first().cloned()
            }
            Token::Word(word) => variables.get(&word.value.to_uppercase()).map(text),
            _ => None,
        },
        _ => None,
    }
}
