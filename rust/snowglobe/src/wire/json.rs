//! A VARIANT as clients get it: with the keys of each object sorted, each member on a line of its own, indented by two. "JSON_INDENT".

use std::fmt::Write as _;

/// The document, laid out; what is no JSON stays as it is.
pub fn pretty(text: &str) -> String {
    let mut reader = Reader { text, at: 0 };
    let mut out = String::with_capacity(text.len() * 2);
    match reader.value(&mut out, 0) {
        Some(()) if reader.rest().trim().is_empty() => out,
        _ => text.to_owned(),
    }
}

/// How deep a document may be nested: what is deeper stays as it is.
const MAX_DEPTH: usize = 200;

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn accept(&mut self, sign: char) -> bool {
        self.space();
        let is_there = self.rest().starts_with(sign);
        if is_there {
            self.at += 1;
        }
        is_there
    }

    fn value(&mut self, out: &mut String, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        if self.accept('{') {
            return self.object(out, depth);
        }
        if self.accept('[') {
            return self.array(out, depth);
        }
        if self.rest().starts_with('"') {
            out.push_str(self.string()?);
            return Some(());
        }
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}' | ':');
        let length = self.rest().find(ends).unwrap_or(self.rest().len());
        out.push_str(&self.rest()[..length]);
        self.at += length;
        (length > 0).then_some(())
    }

    /// A string as it is written, with its quotes.
    fn string(&mut self) -> Option<&'t str> {
        let text = self.rest().strip_prefix('"')?;
        let mut is_escaped = false;
        for (at, c) in text.char_indices() {
            match c {
                '"' if !is_escaped => {
                    let whole = &self.rest()[..at + 2];
                    self.at += at + 2;
                    return Some(whole);
                }
                _ => is_escaped = c == '\\' && !is_escaped,
            }
        }
        None
    }

    fn object(&mut self, out: &mut String, depth: usize) -> Option<()> {
        let mut members = Vec::new();
        while !self.accept('}') {
            if !members.is_empty() && !self.accept(',') {
                return None;
            }
            self.space();
            let key = self.string()?;
            if !self.accept(':') {
                return None;
            }
            let mut member = format!("{key}: ");
            self.value(&mut member, depth + 1)?;
            members.push((key, member));
        }
        members.sort_by_key(|(key, _)| *key);
        let members: Vec<String> = members.into_iter().map(|(_, member)| member).collect();
        lines(out, ('{', '}'), &members, depth);
        Some(())
    }

    fn array(&mut self, out: &mut String, depth: usize) -> Option<()> {
        let mut items = Vec::new();
        while !self.accept(']') {
            if !items.is_empty() && !self.accept(',') {
                return None;
            }
            let mut item = String::new();
            self.value(&mut item, depth + 1)?;
            items.push(item);
        }
        lines(out, ('[', ']'), &items, depth);
        Some(())
    }
}

fn lines(out: &mut String, (open, close): (char, char), items: &[String], depth: usize) {
    out.push(open);
    for (at, item) in items.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        // Writing to a String does not fail.
        let _ = write!(out, "{comma}\n{:width$}{item}", "", width = 2 * depth + 2);
    }
    if !items.is_empty() {
        let _ = write!(out, "\n{:width$}", "", width = 2 * depth);
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn keys_are_sorted_and_members_stand_on_lines_of_their_own() {
        let text = r#"{"b":[1,{}],"a":{"y":"}\",","x":12345678901234567890123}}"#;
        let expected = "{\n  \"a\": {\n    \"x\": 12345678901234567890123,\n    \"y\": \"}\\\",\"\n  },\n  \"b\": [\n    1,\n    {}\n  ]\n}";
        assert_eq!(pretty(text), expected);
    }

    #[test]
    fn scalars_and_what_is_no_json_stay_as_they_are() {
        for text in ["1", "\"a b\"", "null", "[]", "{a", "\"open"] {
            assert_eq!(pretty(text), text);
        }
    }
}
