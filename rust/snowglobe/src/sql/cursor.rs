//! A cursor over tokens: what every hand-written parser here is made of.

use sqlparser::tokenizer::Token;

use super::lexeme::Lexeme;
use super::tokens::lex;
use crate::types::error::{Result, SnowflakeError};

/// A name of one to three parts, folded as Snowflake folds it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Name(pub Vec<String>);

impl Name {
    /// The last part.
    pub fn last(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    /// Reads a name from text, such as an argument or a setting.
    ///
    /// # Errors
    /// If the text is no name.
    pub fn parse(text: &str) -> Result<Self> {
        let lexemes = lex(text)?;
        let mut cursor = Cursor::new(text, &lexemes);
        let name = cursor.name()?;
        cursor.end()?;
        Ok(name)
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<String> = self.0.iter().map(|part| quoted_if_needed(part)).collect();
        f.write_str(&parts.join("."))
    }
}

/// The identifier as one would write it: in quotes only where it needs them.
pub fn quoted_if_needed(identifier: &str) -> String {
    let plain = identifier.chars().enumerate().all(|(at, c)| {
        c.is_ascii_uppercase() || c == '_' || (at > 0 && (c.is_ascii_digit() || c == '$'))
    });
    if plain && !identifier.is_empty() {
        identifier.to_owned()
    } else {
        quoted(identifier)
    }
}

/// The identifier in double quotes.
pub fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// The text as a SQL literal that DuckDB reads.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A place in a token list.
#[derive(Clone)]
pub struct Cursor<'a> {
    sql: &'a str,
    lexemes: &'a [Lexeme],
    at: usize,
    /// How many blocks and loops of a script are open.
    depth: usize,
}

/// How deep the blocks and loops of a script may be in each other.
const MAX_BLOCKS: usize = 100;

impl<'a> Cursor<'a> {
    /// At the first token.
    pub fn new(sql: &'a str, lexemes: &'a [Lexeme]) -> Self {
        Self {
            sql,
            lexemes,
            at: 0,
            depth: 0,
        }
    }

    /// Does `read` one block deeper.
    ///
    /// # Errors
    /// If that is too deep.
    pub fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_BLOCKS {
            return Err(SnowflakeError::compilation(format!(
                "the script is nested too deeply, in more than {MAX_BLOCKS} levels"
            )));
        }
        self.depth += 1;
        let done = read(self);
        self.depth -= 1;
        done
    }

    /// The next token.
    pub fn peek(&self) -> Option<&'a Lexeme> {
        self.lexemes.get(self.at)
    }

    /// The tokens left.
    pub fn rest(&self) -> &'a [Lexeme] {
        &self.lexemes[self.at.min(self.lexemes.len())..]
    }

    /// The text from here to the end of the tokens.
    pub fn rest_text(&self) -> &'a str {
        match (self.peek(), self.lexemes.last()) {
            (Some(first), Some(last)) => &self.sql[first.start..last.end],
            _ => "",
        }
    }

    /// The text of the next `length` tokens, which it passes.
    pub fn take_text(&mut self, length: usize) -> &'a str {
        let taken = &self.lexemes[self.at..self.at + length];
        self.at += length;
        match (taken.first(), taken.last()) {
            (Some(first), Some(last)) => &self.sql[first.start..last.end],
            _ => "",
        }
    }

    /// Where the cursor stands, for [`Self::reset`].
    pub fn position(&self) -> usize {
        self.at
    }

    /// Goes back.
    pub fn reset(&mut self, position: usize) {
        self.at = position;
    }

    /// The next token, which it passes.
    pub fn next(&mut self) -> Option<&'a Lexeme> {
        let lexeme = self.lexemes.get(self.at);
        self.at += usize::from(lexeme.is_some());
        lexeme
    }

    /// Whether everything is read.
    pub fn is_done(&self) -> bool {
        self.at >= self.lexemes.len()
    }

    /// Fails unless everything is read.
    pub fn end(&self) -> Result<()> {
        if self.is_done() {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    /// The syntax error that names the next token.
    pub fn unexpected(&self) -> SnowflakeError {
        match self.peek() {
            Some(lexeme) => SnowflakeError::syntax(
                lexeme.line,
                lexeme.column - 1,
                &self.sql[lexeme.start..lexeme.end],
            ),
            None => {
                let line = self.lexemes.last().map_or(1, |l| l.line);
                let column = self
                    .lexemes
                    .last()
                    .map_or(0, |l| l.column + (l.end - l.start) as u64 - 1);
                SnowflakeError::syntax(line, column, "<EOF>")
            }
        }
    }

    /// Whether the next tokens are these words.
    pub fn at_words(&self, words: &str) -> bool {
        words.split(' ').enumerate().all(|(n, word)| {
            self.lexemes
                .get(self.at + n)
                .is_some_and(|l| l.is_word(word))
        })
    }

    /// Whether these words come after the next `length` tokens.
    pub fn is_after(&self, length: usize, words: &str) -> bool {
        let mut later = self.clone();
        later.at += length;
        later.at_words(words)
    }

    /// Passes these words if they are next.
    pub fn accept(&mut self, words: &str) -> bool {
        let found = self.at_words(words);
        if found {
            self.at += words.split(' ').count();
        }
        found
    }

    /// Passes these words, which must be next.
    pub fn expect(&mut self, words: &str) -> Result<()> {
        if self.accept(words) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    /// Passes the token if it is next.
    pub fn accept_token(&mut self, token: &Token) -> bool {
        let found = self.peek().is_some_and(|l| l.token == *token);
        self.at += usize::from(found);
        found
    }

    /// Passes the token, which must be next.
    pub fn expect_token(&mut self, token: &Token) -> Result<()> {
        if self.accept_token(token) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    /// An identifier, folded to upper case unless quoted.
    pub fn identifier(&mut self) -> Result<String> {
        match self.peek().map(|l| &l.token) {
            Some(Token::Word(word)) => {
                self.at += 1;
                Ok(if word.quote_style.is_some() {
                    word.value.clone()
                } else {
                    word.value.to_uppercase()
                })
            }
            _ => Err(self.unexpected()),
        }
    }

    /// A dotted name, or `IDENTIFIER('…')`.
    pub fn name(&mut self) -> Result<Name> {
        if self.at_words("IDENTIFIER")
            && self
                .lexemes
                .get(self.at + 1)
                .is_some_and(|l| l.token == Token::LParen)
        {
            self.at += 2;
            let name = Name::parse(&self.text()?)?;
            self.expect_token(&Token::RParen)?;
            return Ok(name);
        }
        let mut parts = vec![self.identifier()?];
        while self.accept_token(&Token::Period) {
            // `db..table` leaves the schema out, which means PUBLIC.
            if self.accept_token(&Token::Period) {
                parts.push("PUBLIC".to_owned());
            }
            parts.push(self.identifier()?);
        }
        if parts.len() > 3 {
            Err(self.unexpected())
        } else {
            Ok(Name(parts))
        }
    }

    /// A string literal.
    pub fn text(&mut self) -> Result<String> {
        let text = match self.peek().map(|l| &l.token) {
            Some(Token::SingleQuotedString(text)) => text.clone(),
            Some(Token::DollarQuotedString(body)) => body.value.clone(),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(text)
    }

    /// A whole number.
    pub fn integer(&mut self) -> Result<i64> {
        let negative = self.accept_token(&Token::Minus);
        let number = match self.peek().map(|l| &l.token) {
            Some(Token::Number(digits, _)) => {
                digits.parse::<i64>().map_err(|_| self.unexpected())?
            }
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(if negative { -number } else { number })
    }

    /// How many tokens lead to the first of `stops` outside parentheses and `CASE`.
    pub fn until(&self, stops: &[&str]) -> usize {
        let (mut depth, mut cases) = (0_i32, 0_i32);
        for (n, lexeme) in self.rest().iter().enumerate() {
            let here = |stop: &&str| match *stop {
                "," => lexeme.token == Token::Comma,
                ")" => lexeme.token == Token::RParen,
                ";" => lexeme.token == Token::SemiColon,
                word => lexeme.is_word(word),
            };
            if depth == 0 && cases == 0 && stops.iter().any(here) {
                return n;
            }
            match lexeme.token {
                Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
                Token::RParen | Token::RBracket | Token::RBrace => depth -= 1,
                _ if lexeme.is_word("CASE") => cases += 1,
                _ if lexeme.is_word("END") => cases = (cases - 1).max(0),
                _ => {}
            }
        }
        self.rest().len()
    }

    /// The text up to the first of `stops`, which must not be empty.
    pub fn text_until(&mut self, stops: &[&str]) -> Result<&'a str> {
        let length = self.until(stops);
        if length == 0 {
            Err(self.unexpected())
        } else {
            Ok(self.take_text(length))
        }
    }

    /// The text inside the parentheses that must be next, and its tokens.
    pub fn parenthesized(&mut self) -> Result<(&'a str, &'a [Lexeme])> {
        self.expect_token(&Token::LParen)?;
        let length = self.until(&[")"]);
        let tokens = &self.rest()[..length.min(self.rest().len())];
        let text = self.take_text(length);
        self.expect_token(&Token::RParen)?;
        Ok((text, tokens))
    }

    /// A cursor over part of the tokens of the same text.
    pub fn over(&self, lexemes: &'a [Lexeme]) -> Self {
        Self {
            sql: self.sql,
            lexemes,
            at: 0,
            depth: self.depth,
        }
    }
}
