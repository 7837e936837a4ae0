//! Puts values in the place of `?`, `:name` and `$name`, and markers in the place of stages, before a text is parsed.

use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Word};

use super::{Context, Typed};
use crate::sql::cursor::{Cursor, literal};
use crate::sql::lexeme::Lexeme;
use crate::sql::tokens::lex;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Bind, SnowflakeType, Value};

/// The tokens to parse.
pub fn tokens(context: &Context<'_>, sql: &str, lexemes: &[Lexeme]) -> Result<Vec<TokenWithSpan>> {
    let mut out = Vec::with_capacity(lexemes.len() + 1);
    let mut question_marks = 0;
    let mut at = 0;
    while at < lexemes.len() {
        let lexeme = &lexemes[at];
        let span = span_of(lexeme);
        let previous = at.checked_sub(1).map(|p| &lexemes[p]);
        match &lexeme.token {
            Token::Placeholder(text) if text == "?" => {
                push_text(&mut out, &bind(context, question_marks)?, span)?;
                question_marks += 1;
            }
            Token::Placeholder(text) if text[1..].parse::<u32>().is_ok() => {
                // `$1`: a column of a staged file.
                out.push(TokenWithSpan::new(word(text.clone()), span));
            }
            Token::Placeholder(text) => {
                push_text(&mut out, &session_variable(context, &text[1..])?, span)?
            }
            Token::Colon if is_bind_place(previous) => {
                at += 1;
                let name = lexemes.get(at).map(|l| &l.token);
                let text = match name {
                    Some(Token::Number(n, _)) => {
                        bind(context, n.parse::<usize>().unwrap_or(0).wrapping_sub(1))?
                    }
                    Some(Token::Word(w)) => script_variable(context, &w.value)?,
                    _ => return Err(SnowflakeError::syntax(lexeme.line, lexeme.column - 1, ":")),
                };
                push_text(&mut out, &text, span)?;
            }
            Token::AtSign => {
                let (marker, used) = stage_marker(sql, &lexemes[at..]);
                out.push(TokenWithSpan::new(word(marker), span));
                at += used - 1;
            }
            Token::DollarQuotedString(body) => {
                out.push(TokenWithSpan::new(
                    Token::SingleQuotedString(body.value.clone()),
                    span,
                ));
            }
            token => out.push(TokenWithSpan::new(token.clone(), span)),
        }
        at += 1;
    }
    Ok(out)
}

fn span_of(lexeme: &Lexeme) -> Span {
    let start = sqlparser::tokenizer::Location {
        line: lexeme.line,
        column: lexeme.column,
    };
    Span { start, end: start }
}

fn word(value: String) -> Token {
    Token::Word(Word {
        value,
        quote_style: Some('"'),
        keyword: sqlparser::keywords::Keyword::NoKeyword,
    })
}

/// `a:b` is a path into a variant; `:b` elsewhere is a variable.
fn is_bind_place(previous: Option<&Lexeme>) -> bool {
    const BEFORE: &[&str] = &[
        "SELECT", "WHERE", "AND", "OR", "NOT", "THEN", "ELSE", "WHEN", "IN", "BETWEEN", "LIKE",
        "ILIKE", "ON", "HAVING", "BY", "LIMIT", "OFFSET", "CASE", "IS", "FROM", "AS", "RETURN",
        "SET", "VALUES", "INTO", "QUALIFY", "DISTINCT", "ALL", "USING", "ESCAPE", "INTERVAL",
    ];
    match previous.map(|p| &p.token) {
        None => true,
        Some(Token::Word(w)) if w.quote_style.is_none() => {
            BEFORE.contains(&w.value.to_uppercase().as_str())
        }
        Some(
            Token::Word(_)
            | Token::RParen
            | Token::RBracket
            | Token::SingleQuotedString(_)
            | Token::Placeholder(_),
        ) => false,
        Some(_) => true,
    }
}

fn push_text(out: &mut Vec<TokenWithSpan>, text: &str, span: Span) -> Result<()> {
    out.extend(
        lex(text)?
            .into_iter()
            .map(|l| TokenWithSpan::new(l.token, span)),
    );
    Ok(())
}

fn bind(context: &Context<'_>, at: usize) -> Result<String> {
    let missing = || {
        SnowflakeError::new(
            "002049",
            "42601",
            format!(
                "SQL compilation error: error line 1 at position 0\nBind variable :{} not set.",
                at.saturating_add(1)
            ),
        )
    };
    let bind = context.memory.binds.0.get(at).ok_or_else(missing)?;
    bind_literal(bind, 0)
}

/// The `row`th value of a bind, as Snowflake SQL.
pub fn bind_literal(bind: &Bind, row: usize) -> Result<String> {
    let Some(Some(text)) = bind.values.get(row) else {
        return Ok("null".to_owned());
    };
    let number = || {
        text.parse::<i128>().map_err(|_| {
            SnowflakeError::compilation(format!("bind value '{text}' does not fit {}", bind.kind))
        })
    };
    Ok(match bind.kind.to_uppercase().as_str() {
        "FIXED" if text.parse::<f64>().is_ok() && !text.contains(['e', 'E']) => format!("({text})"),
        "REAL" if text.parse::<f64>().is_ok() => format!("({}::double)", escape(text)),
        "BOOLEAN" => format!("({}::boolean)", escape(text)),
        "BINARY" => format!("to_binary({})", escape(text)),
        // Times arrive as numbers since the epoch, as the SQL API documents.
        "DATE" if text.parse::<i64>().is_ok() => format!(
            "(dateadd(day, {}, '1970-01-01'::date))",
            number()? / 86_400_000
        ),
        "DATE" => format!("({}::date)", escape(text)),
        "TIME" if text.parse::<i64>().is_ok() => format!(
            "(dateadd(microsecond, {}, '00:00:00'::time))",
            number()? / 1000
        ),
        "TIME" => format!("({}::time)", escape(text)),
        "TIMESTAMP_NTZ" if text.parse::<i64>().is_ok() => {
            format!("(to_timestamp_ntz({}, 9))", number()?)
        }
        "TIMESTAMP_LTZ" if text.parse::<i64>().is_ok() => {
            format!("(to_timestamp_ltz({}, 9))", number()?)
        }
        "TIMESTAMP_TZ" => match text.split_once(' ') {
            // Nanoseconds, and the offset in minutes and 1440 more.
            Some((nanos, zone)) if nanos.parse::<i128>().is_ok() => {
                let (Ok(nanos), Ok(zone)) = (nanos.parse::<i128>(), zone.parse::<i32>()) else {
                    return Err(SnowflakeError::compilation(format!(
                        "bind value '{text}' does not fit {}",
                        bind.kind
                    )));
                };
                timestamp_tz(i64::try_from(nanos / 1000).unwrap_or_default(), zone - 1440)
            }
            None if text.parse::<i64>().is_ok() => format!("(to_timestamp_tz({}, 9))", number()?),
            _ => format!("({}::timestamp_tz)", escape(text)),
        },
        "TIMESTAMP_NTZ" => format!("({}::timestamp_ntz)", escape(text)),
        "TIMESTAMP_LTZ" => format!("({}::timestamp_ltz)", escape(text)),
        "TEXT" => escape(text),
        other => return Err(SnowflakeError::unsupported(format!("bind type {other}"))),
    })
}

/// A string literal in Snowflake's dialect, where a backslash escapes.
pub fn escape(text: &str) -> String {
    literal(&text.replace('\\', "\\\\"))
}

fn session_variable(context: &Context<'_>, name: &str) -> Result<String> {
    let name = name.to_uppercase();
    let found = context.memory.session_variables.get(&name);
    let found = found.ok_or_else(|| {
        SnowflakeError::new("002211", "02000", format!("SQL compilation error: error line 1 at position 0\nSession variable '${name}' does not exist"))
    })?;
    Ok(literal_of(found))
}

fn script_variable(context: &Context<'_>, name: &str) -> Result<String> {
    let found = context.memory.script_variables.get(&name.to_uppercase());
    let found = found.ok_or_else(|| {
        SnowflakeError::new(
            "000904",
            "42000",
            format!(
                "SQL compilation error: error line 1 at position 0\ninvalid identifier ':{}'",
                name.to_uppercase()
            ),
        )
    })?;
    Ok(literal_of(found))
}

/// The value as Snowflake SQL.
pub fn literal_of(typed: &Typed) -> String {
    let kind = &typed.kind;
    match &typed.value {
        Value::Null => "null".to_owned(),
        Value::Boolean(yes) => yes.to_string(),
        Value::Number(digits) => match kind {
            SnowflakeType::Number { scale, .. } if *scale > 0 => {
                format!("({}::{kind})", escape(&decimal(*digits, *scale)))
            }
            _ => format!("({digits})"),
        },
        Value::Float(n) => format!("('{n}'::double)"),
        Value::Text(text) => escape(text),
        Value::Binary(bytes) => format!(
            "to_binary('{}')",
            bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()
        ),
        Value::Date(days) => format!("(dateadd(day, {days}, '1970-01-01'::date))"),
        Value::Time(micros) => format!("(dateadd(microsecond, {micros}, '00:00:00'::time))"),
        Value::TimestampNtz(micros) => format!("(to_timestamp_ntz({micros}, 6))"),
        Value::TimestampLtz(micros) => format!("(to_timestamp_ltz({micros}, 6))"),
        Value::TimestampTz {
            micros,
            offset_minutes,
        } => timestamp_tz(*micros, *offset_minutes),
        Value::Json(text) => format!("parse_json({})", escape(text)),
    }
}

/// A `TIMESTAMP_TZ` as Snowflake SQL.
fn timestamp_tz(micros: i64, offset_minutes: i32) -> String {
    let wall = i128::from(micros) + i128::from(offset_minutes) * 60_000_000;
    let sign = if offset_minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (offset_minutes.abs() / 60, offset_minutes.abs() % 60);
    let wall = i64::try_from(wall).ok();
    let wall = wall.and_then(|wall| jiff::Timestamp::from_microsecond(wall).ok());
    let shown = wall.unwrap_or_default().strftime("%Y-%m-%d %H:%M:%S.%6f");
    format!("('{shown} {sign}{hours:02}{minutes:02}'::timestamp_tz)")
}

/// The digits with their point.
pub fn decimal(digits: i128, scale: u8) -> String {
    let scale = usize::from(scale);
    if scale == 0 {
        return digits.to_string();
    }
    let text = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
    let (whole, part) = text.split_at(text.len() - scale);
    format!("{}{whole}.{part}", if digits < 0 { "-" } else { "" })
}

/// The marker of the stage that stands next, which the cursor passes, options included.
///
/// # Errors
/// A syntax error if something else stands there.
pub fn take_stage(cursor: &mut Cursor<'_>) -> Result<String> {
    if cursor.peek().is_none_or(|l| l.token != Token::AtSign) {
        return Err(cursor.unexpected());
    }
    let text = cursor.rest_text();
    let (marker, used) = stage_marker(text, &lex(text)?);
    cursor.take_text(used);
    Ok(marker)
}

/// The marker of the stage that stands at the first token, and how many tokens it takes, options included.
pub fn stage_marker(sql: &str, lexemes: &[Lexeme]) -> (String, usize) {
    let start = lexemes[0].start;
    let mut used = 1;
    while let (Some(last), Some(next)) = (lexemes.get(used - 1), lexemes.get(used)) {
        if last.end != next.start
            || matches!(
                next.token,
                Token::RParen | Token::Comma | Token::LParen | Token::SemiColon
            )
        {
            break;
        }
        used += 1;
    }
    if lexemes.get(used).is_some_and(|l| l.token == Token::LParen) {
        let mut depth = 0;
        for (n, lexeme) in lexemes.iter().enumerate().skip(used) {
            match lexeme.token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                used = n + 1;
                break;
            }
        }
    }
    let text = &sql[start..lexemes[used - 1].end];
    (text.to_owned(), used)
}
