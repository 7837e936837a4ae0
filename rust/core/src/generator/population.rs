//! The customers of a stream by number, and the word lists that they are made from.
//!
//! The planner (whose marriages must change a last name) and the writers of rows use it. Knows no events and no files.

use std::sync::Arc;

use super::Options;
use super::person::{People, Person};
use super::tables::Tables;

/// Cheap to clone: clones share the tables.
#[derive(Clone, Debug)]
pub(crate) struct Population {
    people: People,
    tables: Arc<[Box<Tables>]>,
}

impl Population {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            people: People::new(options.seed),
            tables: options
                .locales
                .iter()
                .map(|&locale| Tables::of(locale))
                .collect(),
        }
    }

    /// Customer number `id`, and the tables of the locale that they come from.
    #[inline(always)]
    pub(crate) fn person(&self, id: u32) -> (Person, &Tables) {
        let person = self.people.person(id);
        (
            person,
            &self.tables[person.locale(self.tables.len() as u32)],
        )
    }
}
