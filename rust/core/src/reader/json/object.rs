//! Finds the positions of a line's values, without a copy and without parsing unneeded values.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use sonic_rs::{Deserializer, LazyValue};

use super::plan::{Node, Target, folded};

/// The position of a value: in the line, or, past its end, in the copies.
pub(super) type Place = Option<(usize, usize)>;

/// The values of one line.
#[derive(Default)]
pub(super) struct Places {
    pub operation: Place,
    pub columns: Vec<Place>,
    pub before: Vec<Place>,
    pub schema: Place,
    pub payload: Place,
    /// The first key that the contract does not have.
    pub extra: Option<String>,
    pub repeated: Option<String>,
    /// Whether the line is null in place of an object.
    pub is_null: bool,
    /// Texts with escapes, which the parser copies.
    copies: String,
}

impl Places {
    pub fn clear(&mut self, columns: usize) {
        self.operation = None;
        self.schema = None;
        self.payload = None;
        self.extra = None;
        self.repeated = None;
        self.is_null = false;
        self.copies.clear();
        self.columns.clear();
        self.columns.resize(columns, None);
        self.before.clear();
        self.before.resize(columns, None);
    }

    /// The JSON of a value of the line.
    pub fn raw<'a>(&'a self, line: &'a str, place: Place) -> Option<&'a str> {
        let (start, end) = place?;
        match start.checked_sub(line.len()) {
            None => line.get(start..end),
            Some(start) => self.copies.get(start..end - line.len()),
        }
    }

    fn put(&mut self, target: Target, key: &str, place: (usize, usize)) {
        let slot = match target {
            Target::Operation => Some(&mut self.operation),
            Target::Schema => Some(&mut self.schema),
            Target::Payload => Some(&mut self.payload),
            Target::Column(index) => self.columns.get_mut(index),
            Target::Before(index) => self.before.get_mut(index),
        };
        let Some(slot) = slot else { return };
        if slot.replace(place).is_some() {
            self.repeated = Some(key.to_owned());
        }
    }
}

/// Finds the values of the object `text`, which is part of `line`.
///
/// # Errors
/// The syntax error.
pub(super) fn read(line: &str, text: &str, node: &Node, places: &mut Places) -> Result<(), String> {
    let mut parser = Deserializer::from_str(text);
    let object = Object { line, node, places };
    object
        .deserialize(&mut parser)
        .map_err(|error| reason(&error))?;
    parser.end().map_err(|error| reason(&error))
}

/// The first line of the message: the rest shows the position.
fn reason(error: &sonic_rs::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

struct Object<'a> {
    line: &'a str,
    node: &'a Node,
    places: &'a mut Places,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.places.is_null = true;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { line, node, places } = self;
        while let Some(found) = map.next_key_seed(Key {
            node,
            line: PhantomData,
        })? {
            let (child, unknown) = match found {
                Found::Known(name, child) => (Some((name, child)), None),
                Found::Ignored => (None, None),
                Found::Unknown(name) => (None, Some(name)),
            };
            if node.is_closed && places.extra.is_none() {
                places.extra = unknown;
            }
            let Some((name, child)) = child else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = map.next_value::<LazyValue<'de>>()?;
            let raw = value.as_raw_str();
            let mut start = (raw.as_ptr() as usize).wrapping_sub(line.as_ptr() as usize);
            if start >= line.len() {
                start = line.len() + places.copies.len();
                places.copies.push_str(raw);
            }
            for target in &child.targets {
                places.put(*target, name, (start, start + raw.len()));
            }
            if child.is_object() && raw.starts_with('{') {
                read(line, raw, child, places).map_err(serde::de::Error::custom)?;
            }
        }
        Ok(())
    }
}

/// A key in the plan.
enum Found<'n> {
    Known(&'n str, &'n Node),
    Ignored,
    Unknown(String),
}

struct Key<'n> {
    node: &'n Node,
    line: PhantomData<&'n str>,
}

impl<'de, 'n> DeserializeSeed<'de> for Key<'n> {
    type Value = Found<'n>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Found<'n>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'n> Visitor<'_> for Key<'n> {
    type Value = Found<'n>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Found<'n>, E> {
        // Most keys are in lower case already.
        let known = self
            .node
            .keys
            .get_key_value(key)
            .or_else(|| self.node.keys.get_key_value(folded(key).as_str()));
        Ok(match known {
            Some((name, child)) => Found::Known(name, child),
            None if self.node.ignored.contains(&folded(key)) => Found::Ignored,
            None => Found::Unknown(key.to_owned()),
        })
    }
}

/// The keys of an object; none if it is not an object or is truncated.
pub(super) fn keys(line: &[u8]) -> Vec<String> {
    sonic_rs::from_slice::<HashMap<String, IgnoredAny>>(line)
        .map_or_else(|_| Vec::new(), |map| map.into_keys().collect())
}
