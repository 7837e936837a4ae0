//! DuckDB's SQL while it is put together. Every literal and name of a user enters as a value and is quoted there; SQL text comes from Snowglobe's own
//! templates alone, and what is spliced into a template is never read again. So no text of a user can become SQL.
//!
//! - `pieces`: the parts of a template, and their weight
//! - `template`: templates with `{0}` for their arguments
//! - `expansion`: how large DuckDB's macros grow when it writes them out

mod expansion;
mod pieces;
mod template;
#[cfg(test)]
mod tests;

use super::cursor::{literal, quoted};

/// An argument that is this large is computed once …
const LARGE_ARGUMENT: u64 = 64;
/// … if DuckDB would otherwise write out more than this.
const LARGE: u64 = 8000;

/// What is no heavier may stand in many places.
const LIGHT: u64 = 8;

/// What the fragment is, as far as a template may depend on it.
#[derive(Clone, Debug, Default, PartialEq)]
enum Shape {
    #[default]
    Other,
    /// A text, unquoted.
    Literal(String),
    /// One identifier, unquoted.
    Name(String),
    /// A number or the like: as cheap twice as once.
    Atom,
    /// A call, or something in parentheses.
    Closed,
    /// Texts joined by `||`.
    Chain,
    /// A date for sure.
    Date,
}

/// A piece of DuckDB's SQL.
#[derive(Clone, Debug, Default)]
pub struct Sql {
    text: String,
    /// Whether it holds an aggregate, a window or a subquery: DuckDB knows its type only after it has chosen the macros around it.
    is_late: bool,
    /// About how many nodes it has once DuckDB has written out its macros.
    weight: u64,
    shape: Shape,
}

impl Sql {
    /// A text as a literal.
    pub fn literal(text: &str) -> Self {
        let written = match text.contains('\0') {
            false => literal(text),
            // DuckDB takes SQL as a C string.
            true => {
                let parts: Vec<String> = text.split('\0').map(literal).collect();
                format!("({})", parts.join(" || chr(0) || "))
            }
        };
        Self {
            text: written,
            shape: Shape::Literal(text.to_owned()),
            weight: 1,
            is_late: false,
        }
    }

    /// An identifier, quoted.
    pub fn name(identifier: &str) -> Self {
        // DuckDB takes SQL as a C string.
        let written = quoted(&identifier.replace('\0', "\u{fffd}"));
        Self {
            shape: Shape::Name(identifier.to_owned()),
            ..Self::atom(written)
        }
    }

    /// An identifier with its qualifiers.
    pub fn path<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let parts: Vec<String> = parts.into_iter().map(quoted).collect();
        Self::atom(parts.join("."))
    }

    /// A number as a token holds it: digits, a point, an exponent.
    pub fn number(digits: &str) -> Option<Self> {
        let is_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
            && digits
                .chars()
                .all(|c| c.is_ascii_digit() || ".eE+-".contains(c));
        is_number.then(|| Self::atom(digits.to_owned()))
    }

    /// A whole number.
    pub fn integer(number: impl Into<i128>) -> Self {
        match number.into() {
            number @ 0.. => Self::atom(number.to_string()),
            number => Self::atom(format!("({number})")),
        }
    }

    /// SQL of Snowglobe's own.
    pub fn known(text: &'static str) -> Self {
        Self::of(text, &[])
    }

    /// SQL that Snowglobe has written elsewhere, each of its names and values quoted: a table at a commit, a type, a column of a plan.
    pub fn written(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            weight: 1 + text.len() as u64 / 16,
            text,
            is_late: false,
            shape: Shape::Other,
        }
    }

    fn atom(text: String) -> Self {
        Self {
            text,
            shape: Shape::Atom,
            weight: 1,
            is_late: false,
        }
    }

    /// A call of a function of DuckDB's.
    pub fn call(name: &'static str, arguments: &[Self]) -> Self {
        let uses = |at| template::uses_in_call(name, at);
        Self::over(arguments, uses, |arguments| template::call(name, arguments))
    }

    /// The template with the arguments in the place of `{0}`, `{1}` and so on.
    pub fn of(template: &'static str, args: &[Self]) -> Self {
        let uses = |at| template::uses(template, at);
        Self::over(args, uses, |args| template::fill(template, args))
    }

    /// What `body` makes of the arguments, where DuckDB comes to write out each as often as `uses` says. If one would grow beyond bounds, all are computed
    /// once, in a structure: what stands in a lambda takes neither a subquery nor an aggregate, so they stand outside.
    pub fn over(
        args: &[Self],
        uses: impl Fn(usize) -> u64,
        body: impl Fn(&[Self]) -> Self,
    ) -> Self {
        let is_large = |(at, arg): (usize, &Self)| {
            arg.weight > LARGE_ARGUMENT
                && uses(at) > 1
                && arg.weight.saturating_mul(uses(at)) > LARGE
        };
        if !args.iter().enumerate().any(is_large) {
            return body(args);
        }
        Self::once(args, body)
    }

    /// What `body` makes of the arguments, each computed once in a structure.
    pub fn once(args: &[Self], body: impl Fn(&[Self]) -> Self) -> Self {
        let mut members = Vec::new();
        let mut inner = Vec::with_capacity(args.len());
        for (at, arg) in args.iter().enumerate() {
            if matches!(arg.shape, Shape::Literal(_)) {
                inner.push(arg.clone());
                continue;
            }
            let key = Self::atom(format!("a{at}"));
            members.push(template::fill("{0}: {1}", &[key.clone(), arg.clone()]));
            inner.push(Self {
                is_late: arg.is_late,
                ..template::fill("bound.{0}", &[key])
            });
        }
        template::fill(
            "list_transform([{{{0}}}], lambda bound: {1})[1]",
            &[Self::list(members), body(&inner)],
        )
    }

    /// The same, known to weigh more.
    pub fn heavier(mut self, weight: u64) -> Self {
        self.weight = self.weight.saturating_add(weight);
        self
    }

    /// Whether it may be written out a dozen times: a column, a literal or little more.
    pub fn is_light(&self) -> bool {
        self.weight <= LIGHT && !self.is_late
    }

    /// The items with commas between them.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::join(items, ", ")
    }

    /// The items with `between` between them.
    pub fn join(items: impl IntoIterator<Item = Self>, between: &'static str) -> Self {
        let mut items = items.into_iter();
        let mut joined = items.next().unwrap_or_default();
        joined.shape = Shape::Other;
        for item in items {
            joined.text.push_str(between);
            joined.append(&item);
        }
        joined
    }

    /// Many items joined by an operator that may be grouped in any way: as a tree that is less deep than they are many.
    pub fn join_flat(mut items: Vec<Self>, operator: &'static str) -> Self {
        const LONG: usize = 100;
        while items.len() > LONG {
            let group = |items: &[Self]| Self::join(items.iter().cloned(), operator).grouped();
            items = items.chunks(LONG).map(group).collect();
        }
        Self::join(items, operator)
    }

    fn append(&mut self, item: &Self) {
        self.text.push_str(&item.text);
        self.is_late |= item.is_late;
        self.weight = self.weight.saturating_add(item.weight);
    }

    /// In parentheses, unless it is one thing as it is.
    #[must_use]
    pub fn grouped(self) -> Self {
        match self.shape {
            Shape::Literal(_) | Shape::Name(_) | Shape::Atom | Shape::Closed => self,
            Shape::Chain | Shape::Date | Shape::Other => Self {
                text: format!("({})", self.text),
                ..self
            },
        }
    }

    /// Marks texts joined by `||`.
    #[must_use]
    pub fn into_chain(self) -> Self {
        Self {
            shape: Shape::Chain,
            ..self
        }
    }

    /// Marks what is a date for sure.
    #[must_use]
    pub fn into_date(self) -> Self {
        Self {
            shape: Shape::Date,
            ..self
        }
    }

    /// Whether it is a date for sure.
    pub fn is_date(&self) -> bool {
        self.shape == Shape::Date
    }

    /// Marks what holds an aggregate, a window or a subquery.
    #[must_use]
    pub fn into_late(self) -> Self {
        Self {
            is_late: true,
            ..self
        }
    }

    /// The text of a literal.
    pub fn as_literal(&self) -> Option<&str> {
        match &self.shape {
            Shape::Literal(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a literal or of a lone identifier, as `DATEADD(day, …)` takes either.
    pub fn as_word(&self) -> Option<&str> {
        match &self.shape {
            Shape::Literal(text) | Shape::Name(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is a text already: a literal, or texts joined.
    pub fn is_text(&self) -> bool {
        matches!(self.shape, Shape::Literal(_) | Shape::Chain)
    }

    /// Whether it begins with SQL of Snowglobe's own, such as `interval `: a literal begins with a quote, a name with a double quote.
    pub fn begins_with(&self, text: &str) -> bool {
        self.text.starts_with(text)
    }

    /// About how many nodes DuckDB makes of it.
    pub fn weight(&self) -> u64 {
        self.weight
    }

    /// Nothing.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// DuckDB's SQL.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// DuckDB's SQL.
    pub fn into_text(self) -> String {
        self.text
    }
}
