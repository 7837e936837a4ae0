//! Expressions of a script.

use sqlparser::tokenizer::Token;

use crate::engine::compile::Variables;
use crate::engine::compile::literal_of;
use crate::sql::cursor::quoted_if_needed;
use crate::sql::tokens::lex;
use crate::types::error::Result;

/// An expression of a script, whose variables need no colon, as SQL, where they do. Subqueries keep their names.
pub(super) fn with_colons(text: &str, variables: &Variables) -> Result<String> {
    let lexemes = lex(text)?;
    let mut out = String::new();
    let (mut done, mut at, mut subquery) = (0, 0, 0_i32);
    while at < lexemes.len() {
        let lexeme = &lexemes[at];
        let previous = at.checked_sub(1).map(|p| &lexemes[p].token);
        match &lexeme.token {
            Token::LParen
                if subquery > 0
                    || lexemes
                        .get(at + 1)
                        .is_some_and(|n| n.is_word("SELECT") || n.is_word("WITH")) =>
            {
                subquery += 1
            }
            Token::RParen if subquery > 0 => subquery -= 1,
            Token::Word(word)
                if subquery == 0
                    && !matches!(
                        previous,
                        Some(Token::Period | Token::Colon | Token::DoubleColon)
                    ) =>
            {
                let name = if word.quote_style.is_some() {
                    word.value.clone()
                } else {
                    word.value.to_uppercase()
                };
                let field = match (
                    lexemes.get(at + 1).map(|l| &l.token),
                    lexemes.get(at + 2).map(|l| &l.token),
                ) {
                    (Some(Token::Period), Some(Token::Word(w))) => Some(format!(
                        "{name}.{}",
                        if w.quote_style.is_some() {
                            w.value.clone()
                        } else {
                            w.value.to_uppercase()
                        }
                    )),
                    _ => None,
                };
                let is_call = lexemes
                    .get(at + 1)
                    .is_some_and(|n| n.token == Token::LParen);
                if let Some(typed) = field.as_ref().and_then(|f| variables.get(f)) {
                    out.push_str(&text[done..lexeme.start]);
                    out.push_str(&literal_of(typed));
                    at += 2;
                    done = lexemes[at].end;
                } else if variables.contains_key(&name) && !is_call {
                    out.push_str(&text[done..lexeme.start]);
                    out.push_str(" (:");
                    out.push_str(&quoted_if_needed(&name));
                    out.push(')');
                    done = lexeme.end;
                }
            }
            _ => {}
        }
        at += 1;
    }
    out.push_str(&text[done..]);
    Ok(out)
}
