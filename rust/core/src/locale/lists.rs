//! The word lists, read from the data files that are compiled in.

use super::Locale;

/// A first or last name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name {
    pub(crate) text: &'static str,
    /// The name in an e-mail address: `a` to `z` only.
    pub(crate) ascii: &'static str,
    pub(crate) weight: u64,
}

/// A city, with the prefixes of its postal codes and telephone numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct City {
    pub(crate) name: &'static str,
    pub(crate) state: &'static str,
    pub(crate) postal_prefix: &'static str,
    pub(crate) phone_prefix: &'static str,
    pub(crate) weight: u64,
}

/// One country's lists, each sorted by descending weight.
#[derive(Clone, Debug)]
pub(crate) struct Lists {
    pub(crate) first_names: Vec<Name>,
    pub(crate) last_names: Vec<Name>,
    pub(crate) streets: Vec<(&'static str, u64)>,
    pub(crate) cities: Vec<City>,
    pub(crate) email_domains: Vec<(&'static str, u64)>,
}

macro_rules! data {
    ($folder:literal) => {
        [
            include_str!(concat!("../../data/", $folder, "/first_names.tsv")),
            include_str!(concat!("../../data/", $folder, "/last_names.tsv")),
            include_str!(concat!("../../data/", $folder, "/streets.tsv")),
            include_str!(concat!("../../data/", $folder, "/cities.tsv")),
            include_str!(concat!("../../data/", $folder, "/email_domains.tsv")),
        ]
    };
}

impl Lists {
    pub(crate) fn of(locale: Locale) -> Self {
        let [first_names, last_names, streets, cities, email_domains] = match locale {
            Locale::Us => data!("us"),
            Locale::De => data!("de"),
            Locale::Fr => data!("fr"),
            Locale::Es => data!("es"),
            Locale::Br => data!("br"),
            Locale::Jp => data!("jp"),
        };
        Self {
            first_names: names(first_names),
            last_names: names(last_names),
            streets: weighted(streets),
            cities: rows(cities)
                .map(|[name, state, postal_prefix, phone_prefix, weight]| City {
                    name,
                    state,
                    postal_prefix,
                    phone_prefix,
                    weight: number(weight),
                })
                .collect(),
            email_domains: weighted(email_domains),
        }
    }
}

fn names(data: &'static str) -> Vec<Name> {
    rows(data)
        .map(|[text, ascii, weight]| Name {
            text,
            ascii,
            weight: number(weight),
        })
        .collect()
}

fn weighted(data: &'static str) -> Vec<(&'static str, u64)> {
    rows(data)
        .map(|[text, weight]| (text, number(weight)))
        .collect()
}

/// The rows below the header. The files are compiled in, so the test below checks that every row has the right shape.
fn rows<const N: usize>(data: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    data.lines()
        .skip(1)
        .filter_map(|line| line.split('\t').collect::<Vec<_>>().try_into().ok())
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_the_data_is_skipped() {
        for locale in Locale::ALL {
            let lists = Lists::of(locale);
            assert!(
                (200..=512).contains(&lists.first_names.len()),
                "{locale:?}: {}",
                lists.first_names.len()
            );
            assert!(
                (400..=1024).contains(&lists.last_names.len()),
                "{locale:?}: {}",
                lists.last_names.len()
            );
            assert!(
                (200..=256).contains(&lists.streets.len()),
                "{locale:?}: {}",
                lists.streets.len()
            );
            assert!(
                (150..=256).contains(&lists.cities.len()),
                "{locale:?}: {}",
                lists.cities.len()
            );
            assert!(
                (16..=64).contains(&lists.email_domains.len()),
                "{locale:?}: {}",
                lists.email_domains.len()
            );
            assert!(
                lists
                    .first_names
                    .iter()
                    .chain(&lists.last_names)
                    .all(|name| name.weight > 0)
            );
            assert!(lists.cities.iter().all(|city| city.weight > 0));
        }
    }
}
