//! Assigns an object's keys to columns: a tree, as objects may be nested.

use std::collections::HashMap;

use crate::contract::{Contract, ExtraColumns, Format};

/// The purpose of a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Target {
    Operation,
    /// A column of the contract.
    Column(usize),
    /// A column of the row before the event.
    Before(usize),
    /// Debezium's schema of the event.
    Schema,
    /// The event next to its schema.
    Payload,
}

/// A key's value: its purpose, and its nested keys.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub targets: Vec<Target>,
    /// The keys of a nested object, in lower case; if empty, the object is not parsed.
    pub keys: HashMap<String, Node>,
    /// Whether an unknown key is a fault.
    pub is_closed: bool,
    /// Keys that are accepted and ignored.
    pub ignored: Vec<String>,
}

impl Node {
    fn at(&mut self, path: &[&str]) -> &mut Self {
        match path {
            [] => self,
            [first, rest @ ..] => self.keys.entry(folded(first)).or_default().at(rest),
        }
    }

    /// Whether the keys of a nested object are needed.
    pub fn is_object(&self) -> bool {
        !self.keys.is_empty() || self.is_closed
    }
}

pub(super) fn folded(key: &str) -> String {
    key.trim().to_lowercase()
}

/// The envelope of an event of Debezium.
const ENVELOPE: [&str; 8] = [
    "before",
    "after",
    "source",
    "op",
    "ts_ms",
    "ts_us",
    "ts_ns",
    "transaction",
];

/// The tree for the files of a contract.
pub(super) fn of(contract: &Contract, format: Format) -> Node {
    let source = contract.source();
    let is_closed = source.extra_columns == ExtraColumns::Refuse;
    let ignored: Vec<String> = source.ignored.iter().map(|name| folded(name)).collect();
    let mut root = Node::default();
    let names = contract.columns().iter().zip(&source.columns).enumerate();
    let names = names.filter(|(_, (_, origin))| !origin.is_outside_the_rows());
    if format == Format::Debezium {
        for image in ["after", "before"] {
            let image = root.at(&[image]);
            image.is_closed = is_closed;
            image.ignored.clone_from(&ignored);
        }
        root.at(&["op"]).targets.push(Target::Operation);
        for (index, (column, origin)) in names {
            let name = origin.from.as_deref().unwrap_or(&column.name);
            let path: Vec<&str> = name.split('.').collect();
            if origin.from.is_some() && ENVELOPE.contains(&path[0]) {
                root.at(&path).targets.push(Target::Column(index));
                continue;
            }
            let path = if origin.from.is_some() {
                path
            } else {
                vec![name]
            };
            root.at(&["after"])
                .at(&path)
                .targets
                .push(Target::Column(index));
            root.at(&["before"])
                .at(&path)
                .targets
                .push(Target::Before(index));
        }
        // The event may be next to its schema.
        let mut event = Node::default();
        std::mem::swap(&mut event, &mut root);
        root.keys = std::iter::once(("payload".to_owned(), event)).collect();
        root.at(&["payload"]).targets.push(Target::Payload);
        root.at(&["schema"]).targets.push(Target::Schema);
        return root;
    }
    root.is_closed = is_closed;
    root.ignored = ignored;
    if let Some(column) = &source.operation.column {
        root.at(&[column]).targets.push(Target::Operation);
    }
    for (index, (column, origin)) in names {
        match origin.from.as_deref() {
            Some(path) => {
                let path: Vec<&str> = path.split('.').collect();
                root.at(&path).targets.push(Target::Column(index));
            }
            None => root.at(&[&column.name]).targets.push(Target::Column(index)),
        }
    }
    root
}
