//! The locales of customers: the names, streets and cities of a country with their real frequencies, and its formats of addresses
//! and telephone numbers.
//!
//! The lists are data (`rust/core/data`, with sources and licences). This module reads them and knows how often each
//! entry occurs; the generator picks the entries of a customer.

mod alias;
mod facts;
mod lists;

pub(crate) use alias::Alias;
pub(crate) use facts::Facts;
pub(crate) use lists::{City, Lists, Name};

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::quantity::Invalid;

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

    /// The name in options: the country code in lower case.
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

    /// Language and country, as operating systems write them.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Us => "en_US",
            Self::De => "de_DE",
            Self::Fr => "fr_FR",
            Self::Es => "es_ES",
            Self::Br => "pt_BR",
            Self::Jp => "ja_JP",
        }
    }

    /// Every locale, in words.
    #[must_use]
    pub fn list() -> String {
        let [rest @ .., last] =
            Self::ALL.map(|locale| format!("{} ({})", locale.name(), locale.tag()));
        format!("{} or {last}", rest.join(", "))
    }
}

impl FromStr for Locale {
    type Err = Invalid;

    /// The locale of a name such as `de`, `de_DE`, `de-DE` or `de_DE.UTF-8`.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (plain, _encoding) = text.split_once('.').unwrap_or((text, ""));
        let plain = plain.replace('-', "_");
        let names = |locale: &Self| [locale.name(), locale.tag()];
        Self::ALL
            .into_iter()
            .find(|locale| {
                names(locale)
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case(&plain))
            })
            .ok_or_else(|| Invalid::new("locale", text, Self::list()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_is_named_by_its_country_or_its_language_and_country() {
        for (text, locale) in [
            ("de", Locale::De),
            ("de_DE", Locale::De),
            ("pt-br", Locale::Br),
            ("ja_JP.UTF-8", Locale::Jp),
        ] {
            assert_eq!(text.parse(), Ok(locale), "{text}");
        }
        assert_eq!(
            "de_AT".parse::<Locale>().unwrap_err().to_string(),
            "invalid locale `de_AT`: expected us (en_US), de (de_DE), fr (fr_FR), es (es_ES), br (pt_BR) or jp (ja_JP)"
        );
    }
}
