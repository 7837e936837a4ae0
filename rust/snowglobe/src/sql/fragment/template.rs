//! Fills templates. One pass: what an argument says is never looked at.

use super::expansion::{self, is_bound_late, is_overloaded};
use super::pieces::{Piece, Weights, pieces, weigh};
use super::{Shape, Sql};

/// A parenthesis that is open, or the whole.
#[derive(Default)]
struct Group<'t> {
    /// What is called.
    name: &'t str,
    text: String,
    is_late: bool,
    weights: Weights,
}

impl<'t> Group<'t> {
    fn of(name: &'t str) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    fn push(&mut self, text: &str, weight: u64, is_late: bool) {
        self.text.push_str(text);
        self.weights.add(weight);
        self.is_late |= is_late;
    }

    fn end(self, shape: Shape) -> Sql {
        Sql {
            text: self.text,
            is_late: self.is_late,
            weight: expansion::of("", &self.weights.end()),
            shape,
        }
    }

    /// Takes what stands in a parenthesis. A macro that holds something of a type that is not known yet is the one for it.
    fn take(&mut self, inner: Group<'_>) {
        self.text.push_str(inner.name);
        if inner.is_late && is_overloaded(inner.name) {
            self.text.push_str("_any");
        }
        self.text.push('(');
        self.text.push_str(&inner.text);
        self.text.push(')');
        self.is_late |= inner.is_late || is_bound_late(inner.name);
        let weight = expansion::of(inner.name, &inner.weights.end());
        self.weights.add(weight);
    }
}

/// The template with its arguments.
pub(super) fn fill(template: &'static str, args: &[Sql]) -> Sql {
    let (mut around, mut group) = (Vec::new(), Group::default());
    let (mut outermost, mut is_closed) = (0, false);
    for piece in pieces(template) {
        if around.is_empty() {
            outermost += 1;
            is_closed = matches!(piece, Piece::Call(_) | Piece::Open);
        }
        match piece {
            Piece::Quoted(text) | Piece::Other(text) => group.push(text, 0, false),
            Piece::Argument(at) => {
                if let Some(arg) = args.get(at) {
                    group.push(&arg.text, arg.weight, arg.is_late);
                }
            }
            Piece::Word(text) => {
                let is_late = ["select", "over"]
                    .iter()
                    .any(|w| text.eq_ignore_ascii_case(w));
                group.push(text, 1, is_late);
            }
            Piece::Comma => {
                group.push(",", 0, false);
                group.weights.next_argument();
            }
            Piece::Call(name) => around.push(std::mem::replace(&mut group, Group::of(name))),
            Piece::Open => around.push(std::mem::take(&mut group)),
            Piece::Close => {
                let outer = around.pop().unwrap_or_default();
                let inner = std::mem::replace(&mut group, outer);
                group.take(inner);
            }
        }
    }
    match outermost == 1 && is_closed {
        true => group.end(Shape::Closed),
        false => group.end(Shape::Other),
    }
}

/// A call of a function.
pub(super) fn call(name: &'static str, arguments: &[Sql]) -> Sql {
    let (mut outer, mut inner) = (Group::default(), Group::of(name));
    for (at, argument) in arguments.iter().enumerate() {
        if at > 0 {
            inner.push(", ", 0, false);
            inner.weights.next_argument();
        }
        inner.push(&argument.text, argument.weight, argument.is_late);
    }
    outer.take(inner);
    outer.end(Shape::Closed)
}

/// How often the argument stands there once DuckDB has written out the macros; once where an aggregate is called, which cannot move into a lambda.
pub(super) fn uses(template: &str, argument: usize) -> u64 {
    let is_aggregate = |piece| matches!(piece, Piece::Call(name) if is_bound_late(name));
    if pieces(template).any(is_aggregate) {
        return 1;
    }
    weigh(
        template,
        |piece| u64::from(piece == Piece::Argument(argument)),
        expansion::repeated_in,
    )
}

/// How often a macro writes out its argument.
pub(super) fn uses_in_call(name: &str, argument: usize) -> u64 {
    let mut weights = vec![0; argument + 1];
    weights[argument] = 1;
    expansion::repeated_in(name, &weights)
}
