//! Names and literals as SQL text, with any characters.

use std::fmt;

/// A name in SQL: unquoted where Snowflake folds it to the same name, quoted otherwise.
///
/// ```
/// use firn::merge::Identifier;
/// assert_eq!(Identifier::new("customer_id").to_string(), "customer_id");
/// assert_eq!(Identifier::new("order").to_string(), "\"ORDER\"");
/// assert_eq!(Identifier::new("5 o'clock \"tea\"").to_string(), "\"5 o'clock \"\"tea\"\"\"");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identifier {
    name: String,
    is_plain: bool,
}

/// Words that Snowflake rejects as unquoted names, and those with another meaning in an expression.
const RESERVED: &[&str] = &[
    "ACCOUNT",
    "ALL",
    "ALTER",
    "AND",
    "ANY",
    "AS",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "CHECK",
    "COLUMN",
    "CONNECT",
    "CONNECTION",
    "CONSTRAINT",
    "CREATE",
    "CROSS",
    "CURRENT",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "CURRENT_USER",
    "DATABASE",
    "DELETE",
    "DISTINCT",
    "DROP",
    "ELSE",
    "END",
    "EXISTS",
    "FALSE",
    "FOLLOWING",
    "FOR",
    "FROM",
    "FULL",
    "GRANT",
    "GROUP",
    "GSCLUSTER",
    "HAVING",
    "ILIKE",
    "IN",
    "INCREMENT",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTO",
    "IS",
    "ISSUE",
    "JOIN",
    "LATERAL",
    "LEFT",
    "LIKE",
    "LIMIT",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "MINUS",
    "NATURAL",
    "NOT",
    "NULL",
    "OF",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "ORGANIZATION",
    "QUALIFY",
    "REGEXP",
    "REVOKE",
    "RIGHT",
    "RLIKE",
    "ROW",
    "ROWS",
    "SAMPLE",
    "SCHEMA",
    "SELECT",
    "SET",
    "SOME",
    "START",
    "TABLE",
    "TABLESAMPLE",
    "THEN",
    "TO",
    "TRIGGER",
    "TRUE",
    "TRY_CAST",
    "UNION",
    "UNIQUE",
    "UPDATE",
    "USING",
    "VALUES",
    "VIEW",
    "WHEN",
    "WHENEVER",
    "WHERE",
    "WITH",
];

impl Identifier {
    /// The identifier of `name`. Names that need no quotes are folded to upper case, as in Snowflake.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut chars = name.chars();
        let is_word = chars
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && chars.all(|next| next.is_ascii_alphanumeric() || next == '_');
        Self {
            name: name.to_owned(),
            is_plain: is_word,
        }
    }

    /// The name of an object that belongs to this one: `CUSTOMER` and `HISTORY` give `CUSTOMER_HISTORY`.
    #[must_use]
    pub fn derived(&self, suffix: &str) -> Self {
        Self::new(&format!("{}_{suffix}", self.name))
    }

    /// The name of the procedure or task for `verb` and this object: `MERGE` and `CUSTOMER` give `MERGE_CUSTOMER`.
    #[must_use]
    pub fn with_verb(&self, verb: &str) -> Self {
        Self::new(&format!("{verb}_{}", self.name))
    }

    /// The name as Snowflake stores it.
    #[must_use]
    pub fn stored(&self) -> String {
        if self.is_plain {
            self.name.to_ascii_uppercase()
        } else {
            self.name.clone()
        }
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let upper = self.stored();
        if self.is_plain && RESERVED.binary_search(&upper.as_str()).is_err() {
            return f.write_str(&self.name);
        }
        write!(f, "\"{}\"", upper.replace('"', "\"\""))
    }
}

/// `text` as a string literal.
///
/// ```
/// assert_eq!(firn::merge::literal("it's \\ here"), r"'it''s \\ here'");
/// ```
#[must_use]
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_sorted_for_the_search() {
        assert!(RESERVED.is_sorted());
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(
            Identifier::new("a\"; drop table x; --").to_string(),
            "\"a\"\"; drop table x; --\""
        );
        assert_eq!(
            Identifier::new("zażółć").derived("HISTORY").to_string(),
            "\"zażółć_HISTORY\""
        );
    }
}
