//! Where customers live: names, streets and cities of a country with their real frequencies, and how that country
//! writes an address and a telephone number.
//!
//! The lists are data (`rust/core/data`, with sources and licences). This module reads them and knows how often each
//! entry occurs; which entry a customer gets is the generator's business.

mod alias;
mod facts;
mod lists;

pub(crate) use alias::Alias;
pub(crate) use facts::Facts;
pub(crate) use lists::{City, Lists, Name};

use serde::{Deserialize, Serialize};

/// A country and language that customers can come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// United States, English.
    Us,
    /// Germany, German.
    De,
    /// France, French.
    Fr,
    /// Spain, Spanish.
    Es,
    /// Brazil, Portuguese.
    Br,
    /// Japan, Japanese in its own script.
    Jp,
}

impl Locale {
    /// Every locale.
    pub const ALL: [Self; 6] = [Self::Us, Self::De, Self::Fr, Self::Es, Self::Br, Self::Jp];

    /// The name that options use: the country code in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::De => "de",
            Self::Fr => "fr",
            Self::Es => "es",
            Self::Br => "br",
            Self::Jp => "jp",
        }
    }

    /// The locale of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|locale| locale.name() == name)
    }
}
