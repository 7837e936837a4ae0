//! Listing a bucket: prefix, delimiter, pages. Pure.

use super::state::{Bucket, Object};
use std::ops::Bound;

/// Sorts behind every key that begins with what it is put after.
const LAST: char = char::MAX;

/// What to list.
#[derive(Debug, Default)]
pub struct Query<'a> {
    pub prefix: &'a str,
    pub delimiter: &'a str,
    /// Only keys behind this one.
    pub after: &'a str,
    pub max: usize,
}

/// One page.
#[derive(Debug, Default)]
pub struct Page<'a> {
    pub objects: Vec<(&'a str, &'a Object)>,
    /// Keys cut off behind the delimiter, each once.
    pub prefixes: Vec<String>,
    /// `after` of the next page, if there is more.
    pub next: Option<String>,
}

/// One page of `bucket`, in the byte order of the keys.
pub fn list<'a>(bucket: &'a Bucket, query: &Query<'_>) -> Page<'a> {
    let mut page = Page::default();
    if query.max == 0 {
        return page;
    }
    let mut after = query.after.to_owned();
    let mut inclusive = after.as_str() < query.prefix;
    if inclusive {
        after = query.prefix.to_owned();
    }
    loop {
        let from = if inclusive {
            Bound::Included(after.as_str())
        } else {
            Bound::Excluded(after.as_str())
        };
        let found = bucket
            .objects
            .range::<str, _>((from, Bound::Unbounded))
            .next();
        let Some((key, object)) = found.filter(|(key, _)| key.starts_with(query.prefix)) else {
            return page;
        };
        if page.objects.len() + page.prefixes.len() == query.max {
            page.next = Some(after);
            return page;
        }
        inclusive = false;
        let rest = &key[query.prefix.len()..];
        match rest
            .find(query.delimiter)
            .filter(|_| !query.delimiter.is_empty())
        {
            Some(at) => {
                let common = &key[..query.prefix.len() + at + query.delimiter.len()];
                page.prefixes.push(common.to_owned());
                after = format!("{common}{LAST}");
            }
            None => {
                page.objects.push((key, object));
                after.clone_from(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(keys: &[&str]) -> Bucket {
        let objects = keys
            .iter()
            .map(|key| ((*key).to_owned(), Object::default()))
            .collect();
        Bucket {
            created_ms: 0,
            objects,
        }
    }

    /// All pages of a listing, `max` a page, as `key` and `prefix/` names in the order in which they came.
    fn pages(keys: &[&str], prefix: &str, delimiter: &str, max: usize) -> Vec<Vec<String>> {
        let bucket = bucket(keys);
        let mut pages = Vec::new();
        let mut after = String::new();
        loop {
            let page = list(
                &bucket,
                &Query {
                    prefix,
                    delimiter,
                    after: &after,
                    max,
                },
            );
            let mut names: Vec<_> = page
                .objects
                .iter()
                .map(|(key, _)| (*key).to_owned())
                .collect();
            names.extend(page.prefixes);
            pages.push(names);
            match page.next {
                Some(next) => after = next,
                None => return pages,
            }
        }
    }

    #[test]
    fn keys_come_in_byte_order_under_their_prefix() {
        let keys = ["a", "b/2", "b/1", "b", "c", "B/3"];
        assert_eq!(
            pages(&keys, "", "", 9),
            [["B/3", "a", "b", "b/1", "b/2", "c"]]
        );
        assert_eq!(pages(&keys, "b/", "", 9), [["b/1", "b/2"]]);
        assert_eq!(pages(&keys, "zz", "", 9), [Vec::<String>::new()]);
    }

    #[test]
    fn a_delimiter_folds_keys_into_their_common_prefix_once() {
        let keys = ["a/1", "a/2", "a/b/3", "c"];
        assert_eq!(pages(&keys, "", "/", 9), [["c", "a/"]]);
        assert_eq!(pages(&keys, "a/", "/", 9), [["a/1", "a/2", "a/b/"]]);
    }

    #[test]
    fn pages_cut_anywhere_give_every_name_once() {
        let keys = ["a/1", "a/2", "b", "c/1", "c/2", "d"];
        assert_eq!(pages(&keys, "", "/", 1), [["a/"], ["b"], ["c/"], ["d"]]);
        assert_eq!(
            pages(&keys, "", "", 4),
            [vec!["a/1", "a/2", "b", "c/1"], vec!["c/2", "d"]]
        );
    }

    #[test]
    fn a_full_last_page_says_that_nothing_follows() {
        assert_eq!(pages(&["a", "b"], "", "", 2).len(), 1);
    }

    /// All names of a listing, worked out without pages.
    fn naive(keys: &[&str], prefix: &str, delimiter: &str) -> Vec<String> {
        let mut names = std::collections::BTreeSet::new();
        for key in keys.iter().filter(|key| key.starts_with(prefix)) {
            let rest = &key[prefix.len()..];
            let cut = rest.find(delimiter).filter(|_| !delimiter.is_empty());
            let end = cut.map_or(key.len(), |at| prefix.len() + at + delimiter.len());
            names.insert(key[..end].to_owned());
        }
        names.into_iter().collect()
    }

    proptest::proptest! {
        #[test]
        fn pages_of_any_size_list_what_is_there(
            keys in proptest::collection::btree_set("[ab/]{1,6}", 0..30),
            prefix in "[ab/]{0,3}",
            delimiter in "(/|b|ab|)",
            max in 1..9_usize,
        ) {
            let keys: Vec<_> = keys.iter().map(String::as_str).collect();
            let paged: Vec<_> = pages(&keys, &prefix, &delimiter, max).concat();
            let mut sorted = paged.clone();
            sorted.sort();
            proptest::prop_assert_eq!(sorted, naive(&keys, &prefix, &delimiter));
        }
    }
}
