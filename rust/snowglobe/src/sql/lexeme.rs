//! One of Snowflake's tokens, and where it stands.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

/// A token and where it stands: bytes `start..end` of the text.
#[derive(Clone, Debug)]
pub struct Lexeme {
    /// The token.
    pub token: Token,
    /// Its first byte.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// 1-based.
    pub line: u64,
    /// 1-based.
    pub column: u64,
}

impl Lexeme {
    /// Whether this is the unquoted word `word`, in any case.
    pub fn is_word(&self, word: &str) -> bool {
        matches!(&self.token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
    }

    /// The unquoted word in upper case, if it is one.
    pub fn word(&self) -> Option<String> {
        match &self.token {
            Token::Word(w) if w.quote_style.is_none() => Some(w.value.to_uppercase()),
            _ => None,
        }
    }

    /// Whether this is the keyword that ends a scripting block.
    pub fn is_keyword(&self, keyword: Keyword) -> bool {
        matches!(&self.token, Token::Word(w) if w.quote_style.is_none() && w.keyword == keyword)
    }
}
