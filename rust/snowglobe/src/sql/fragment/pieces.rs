//! The parts of a template, and their weight.

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Piece<'t> {
    /// `'…'` or `"…"`, as it stands.
    Quoted(&'t str),
    /// `{0}`
    Argument(usize),
    /// A word with the parenthesis behind it.
    Call(&'t str),
    Word(&'t str),
    Open,
    Close,
    Comma,
    Other(&'t str),
}

/// Cuts a template. `{{` and `}}` stand for braces.
pub(super) fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        let (piece, length) = first_piece(rest)?;
        rest = rest.get(length..).unwrap_or_default();
        Some(piece)
    })
}

fn first_piece(rest: &str) -> Option<(Piece<'_>, usize)> {
    let first = rest.chars().next()?;
    let length = first.len_utf8();
    Some(match first {
        '\'' | '"' => {
            let end = rest[1..].find(first).map_or(rest.len(), |at| at + 2);
            (Piece::Quoted(&rest[..end]), end)
        }
        '{' | '}' if rest[1..].starts_with(first) => (Piece::Other(&rest[..1]), 2),
        '{' => {
            let end = rest.find('}')?;
            (Piece::Argument(rest[1..end].parse().ok()?), end + 1)
        }
        '(' => (Piece::Open, 1),
        ')' => (Piece::Close, 1),
        ',' => (Piece::Comma, 1),
        _ if is_word(first) => {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            match rest[end..].starts_with('(') {
                true => (Piece::Call(&rest[..end]), end + 1),
                false => (Piece::Word(&rest[..end]), end),
            }
        }
        _ => (Piece::Other(&rest[..length]), length),
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The weights of the arguments of a call.
#[derive(Default)]
pub(super) struct Weights {
    before: Vec<u64>,
    now: u64,
}

impl Weights {
    pub(super) fn add(&mut self, weight: u64) {
        self.now = self.now.saturating_add(weight);
    }

    pub(super) fn next_argument(&mut self) {
        self.before.push(std::mem::take(&mut self.now));
    }

    pub(super) fn end(mut self) -> Vec<u64> {
        self.next_argument();
        self.before
    }
}

/// The weight of a template, given those of its leaves and of its calls.
pub(super) fn weigh(
    template: &str,
    leaf: impl Fn(Piece<'_>) -> u64,
    call: impl Fn(&str, &[u64]) -> u64,
) -> u64 {
    let (mut around, mut group) = (Vec::new(), ("", Weights::default()));
    for piece in pieces(template) {
        match piece {
            Piece::Call(name) => {
                around.push(std::mem::replace(&mut group, (name, Weights::default())));
            }
            Piece::Open => around.push(std::mem::take(&mut group)),
            Piece::Close => {
                let outer = around.pop().unwrap_or_default();
                let (name, inner) = std::mem::replace(&mut group, outer);
                group.1.add(call(name, &inner.end()));
            }
            Piece::Comma => group.1.next_argument(),
            piece => group.1.add(leaf(piece)),
        }
    }
    call("", &group.1.end())
}
