//! `KEY = value` lists, in which most of Snowflake's DDL is written. Whoever takes a key says so; a key nobody took is an error.

use sqlparser::tokenizer::Token;

use super::cursor::{Cursor, Name};
use crate::types::error::{Result, SnowflakeError};

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Property {
    /// `'text'`.
    Text(String),
    /// `12`.
    Number(String),
    /// A word or a name.
    Name(Name),
    /// `('a', 'b')`.
    List(Vec<Property>),
    /// `(KEY = value …)`.
    Map(Properties),
}

/// A list of keys (upper case) with their values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Properties(Vec<(String, Property)>);

impl Properties {
    /// Reads `KEY = value` as long as they come.
    pub fn parse(cursor: &mut Cursor<'_>) -> Result<Self> {
        let mut found = Vec::new();
        loop {
            let start = cursor.position();
            cursor.accept_token(&Token::Comma);
            let Ok(key) = cursor.identifier() else { break };
            if !cursor.accept_token(&Token::Eq) && !cursor.accept_token(&Token::RArrow) {
                cursor.reset(start);
                break;
            }
            found.push((key, value(cursor)?));
        }
        Ok(Self(found))
    }

    /// Takes the value of `key`.
    pub fn take(&mut self, key: &str) -> Option<Property> {
        let at = self.0.iter().position(|(k, _)| k == key)?;
        Some(self.0.remove(at).1)
    }

    /// Takes a text, number or word as text.
    pub fn take_text(&mut self, key: &str) -> Result<Option<String>> {
        self.take(key).map(|value| value.text(key)).transpose()
    }

    /// Takes `TRUE` or `FALSE`.
    pub fn take_bool(&mut self, key: &str) -> Result<Option<bool>> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        match value.text(key)?.to_uppercase().as_str() {
            "TRUE" => Ok(Some(true)),
            "FALSE" => Ok(Some(false)),
            other => Err(invalid(key, other)),
        }
    }

    /// Takes a whole number.
    pub fn take_integer(&mut self, key: &str) -> Result<Option<i64>> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        let text = value.text(key)?;
        text.parse().map(Some).map_err(|_| invalid(key, &text))
    }

    /// Takes a list of texts; a lone text counts as a list of one.
    pub fn take_list(&mut self, key: &str) -> Result<Option<Vec<String>>> {
        match self.take(key) {
            None => Ok(None),
            Some(Property::List(list)) => list
                .into_iter()
                .map(|item| item.text(key))
                .collect::<Result<_>>()
                .map(Some),
            Some(Property::Map(map)) if map.0.is_empty() => Ok(Some(Vec::new())),
            Some(other) => Ok(Some(vec![other.text(key)?])),
        }
    }

    /// Fails, by name, on what Snowflake has and Snowglobe does not.
    ///
    /// # Errors
    /// If one of `keys` is there.
    pub fn refuse(&self, keys: &[&str]) -> Result<()> {
        match self.keys().find(|key| keys.contains(key)) {
            Some(key) => Err(SnowflakeError::unsupported(key)),
            None => Ok(()),
        }
    }

    /// Takes a setting of which only the default is known.
    ///
    /// # Errors
    /// If it is there with another value.
    pub fn take_default(&mut self, key: &str, default: &str) -> Result<()> {
        match self.take_text(key)? {
            Some(value) if !value.eq_ignore_ascii_case(default) => {
                Err(SnowflakeError::unsupported(format!("{key} = {value}")))
            }
            _ => Ok(()),
        }
    }

    /// Adds what is not there yet.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Adds one.
    pub fn push(&mut self, key: &str, value: Property) {
        self.0.push((key.to_owned(), value));
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys left.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }

    /// Fails if a key is left that nobody took.
    pub fn end(&self) -> Result<()> {
        match self.0.first() {
            None => Ok(()),
            Some((key, _)) => Err(SnowflakeError::new(
                "001006",
                "22023",
                format!(
                    "SQL compilation error:\ninvalid property '{key}' for this statement, or Snowglobe does not support it"
                ),
            )),
        }
    }
}

impl Property {
    /// The value as text.
    pub fn text(self, key: &str) -> Result<String> {
        match self {
            Self::Text(text) | Self::Number(text) => Ok(text),
            Self::Name(name) => Ok(name.to_string()),
            Self::List(_) | Self::Map(_) => Err(invalid(key, "(…)")),
        }
    }
}

fn invalid(key: &str, value: &str) -> SnowflakeError {
    SnowflakeError::new(
        "001008",
        "22023",
        format!("SQL compilation error:\ninvalid value [{value}] for parameter '{key}'"),
    )
}

fn value(cursor: &mut Cursor<'_>) -> Result<Property> {
    let Some(lexeme) = cursor.peek() else {
        return Err(cursor.unexpected());
    };
    match &lexeme.token {
        Token::SingleQuotedString(_) | Token::DollarQuotedString(_) => {
            Ok(Property::Text(cursor.text()?))
        }
        Token::Number(digits, _) => {
            cursor.next();
            Ok(Property::Number(digits.clone()))
        }
        Token::Minus => Ok(Property::Number(cursor.integer()?.to_string())),
        Token::Word(_) => Ok(Property::Name(cursor.name()?)),
        Token::LParen => group(cursor),
        _ => Err(cursor.unexpected()),
    }
}

fn group(cursor: &mut Cursor<'_>) -> Result<Property> {
    cursor.expect_token(&Token::LParen)?;
    let map = Properties::parse(cursor)?;
    if !map.is_empty() {
        cursor.expect_token(&Token::RParen)?;
        return Ok(Property::Map(map));
    }
    let mut items = Vec::new();
    while !cursor.accept_token(&Token::RParen) {
        items.push(value(cursor)?);
        cursor.accept_token(&Token::Comma);
    }
    Ok(Property::List(items))
}
