//! The text literals of a Rust source, each with the calls around it.

/// A text literal of the code, without the tests at its end.
#[derive(Debug, PartialEq, Eq)]
pub struct Literal {
    /// Its line, counted from 1.
    pub line: usize,
    /// Its text, with the escapes resolved that the rules need.
    pub text: String,
    /// The calls around it, outermost first, each with its path, such as `Error::config` or `context`.
    pub calls: Vec<String>,
}

/// Every text literal of a source.
pub fn literals(source: &str) -> Vec<Literal> {
    let source = source
        .split("\n#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let mut lexer = Lexer {
        chars: source.chars().collect(),
        at: 0,
        line: 1,
        path: String::new(),
        calls: Vec::new(),
        found: Vec::new(),
    };
    lexer.run();
    lexer.found
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
    /// The path before the current character: the name of a call if a parenthesis follows.
    path: String,
    calls: Vec<String>,
    found: Vec<Literal>,
}

impl Lexer {
    fn run(&mut self) {
        while let Some(char) = self.peek(0) {
            match char {
                '/' if self.peek(1) == Some('/') => self.skip_while(|char| char != '\n'),
                '/' if self.peek(1) == Some('*') => self.block_comment(),
                '"' => self.text(),
                'r' if self.path.is_empty() && self.is_raw() => self.raw(),
                '\'' => self.quote(),
                '(' | '[' | '{' => {
                    let path = std::mem::take(&mut self.path);
                    self.calls
                        .push(if char == '{' { String::new() } else { path });
                    self.next();
                }
                ')' | ']' | '}' => {
                    self.calls.pop();
                    self.path.clear();
                    self.next();
                }
                char if char.is_alphanumeric() || matches!(char, '_' | ':') => {
                    self.path.push(char);
                    self.next();
                }
                // A macro's call.
                '!' if self.path.chars().next().is_some_and(char::is_alphabetic) => self.next(),
                _ => {
                    self.path.clear();
                    self.next();
                }
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn next(&mut self) {
        self.line += usize::from(self.peek(0) == Some('\n'));
        self.at += 1;
    }

    fn skip_while(&mut self, test: impl Fn(char) -> bool) {
        while self.peek(0).is_some_and(&test) {
            self.next();
        }
    }

    fn block_comment(&mut self) {
        while self.peek(0).is_some() && (self.peek(0), self.peek(1)) != (Some('*'), Some('/')) {
            self.next();
        }
        self.at += 2;
    }

    fn text(&mut self) {
        let line = self.line;
        let mut text = String::new();
        self.next();
        while let Some(char) = self.peek(0).filter(|char| *char != '"') {
            self.next();
            if char != '\\' {
                text.push(char);
                continue;
            }
            match self.peek(0) {
                Some('\n') => self.skip_while(char::is_whitespace),
                Some(escaped) => {
                    text.push(if escaped == 'n' { '\n' } else { escaped });
                    self.next();
                }
                None => {}
            }
        }
        self.next();
        self.keep(line, text);
    }

    fn is_raw(&self) -> bool {
        let hashes = self.hashes(1);
        self.peek(1 + hashes) == Some('"')
    }

    fn hashes(&self, from: usize) -> usize {
        self.chars[self.at + from..]
            .iter()
            .take_while(|char| **char == '#')
            .count()
    }

    fn raw(&mut self) {
        let line = self.line;
        let hashes = self.hashes(1);
        for _ in 0..hashes + 2 {
            self.next();
        }
        let mut text = String::new();
        while let Some(char) = self.peek(0) {
            if char == '"' && self.hashes(1) >= hashes {
                break;
            }
            text.push(char);
            self.next();
        }
        for _ in 0..=hashes {
            self.next();
        }
        self.keep(line, text);
    }

    /// A character or a lifetime.
    fn quote(&mut self) {
        if self.peek(1) == Some('\\') {
            self.at += 3;
            self.skip_while(|char| char != '\'');
            self.next();
        } else if self.peek(2) == Some('\'') {
            self.at += 3;
        } else {
            self.next();
        }
        self.path.clear();
    }

    fn keep(&mut self, line: usize, text: String) {
        self.path.clear();
        let calls = self.calls.iter().filter(|call| !call.is_empty());
        self.found.push(Literal {
            line,
            text,
            calls: calls.cloned().collect(),
        });
    }
}

#[test]
fn literals_are_found_with_the_calls_around_them() {
    let source = "// \"no\"\nfn f<'a>() {\n    Err(Error::config(format!(\"a \\\"{x}\\\" \\\n        b\")).context(r#\"\"c\"\"#));\n    g('\"', '\\'', \"d\")\n}\n\n#[cfg(test)]\nmod tests {\n    \"e\"\n}\n";
    let found = literals(source);
    let seen: Vec<(usize, &str, String)> = found
        .iter()
        .map(|one| (one.line, one.text.as_str(), one.calls.join(" ")))
        .collect();
    assert_eq!(
        seen,
        [
            (3, "a \"{x}\" b", "Err Error::config format".to_owned()),
            (4, "\"c\"", "Err context".to_owned()),
            (5, "d", "g".to_owned()),
        ]
    );
}
