//! Parses an account's identifier in all common forms, and derives its host.
//!
//! [Account identifiers](https://docs.snowflake.com/en/user-guide/admin-account-identifier) are `ORG-ACCOUNT` or `LOCATOR.REGION.CLOUD`; pages and tools
//! also show `ORG.ACCOUNT`, `ORG/ACCOUNT` and URLs.

use crate::error::{Error, Result};

/// Prefixes of the regions of AWS, Azure and Google, which distinguish `LOCATOR.REGION` from `ORG.ACCOUNT`.
const REGIONS: &[&str] = &[
    "af",
    "ap",
    "asia",
    "australia",
    "australiaeast",
    "ca",
    "canada",
    "central",
    "cn",
    "east",
    "eu",
    "europe",
    "fhplus",
    "germany",
    "il",
    "japan",
    "korea",
    "me",
    "mx",
    "north",
    "northamerica",
    "sa",
    "south",
    "southamerica",
    "southeast",
    "sweden",
    "switzerland",
    "uae",
    "uk",
    "us",
    "west",
];

/// An account and its host.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Account {
    /// `ORG-ACCOUNT`, or `LOCATOR.REGION`.
    pub identifier: String,
    /// Its host.
    pub host: String,
}

impl Account {
    /// Parses an account identifier or a URL.
    ///
    /// # Errors
    /// `Config` if the text is not an account identifier.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = || {
            Error::config(format!(
                "invalid account `{text}`: expected ORG-ACCOUNT or LOCATOR.REGION, as Snowflake shows it under Account Details"
            ))
        };
        let identifier = identifier(text.trim());
        let labels: Vec<&str> = identifier.split('.').collect();
        let is_label = |label: &&str| {
            let is_edge = |one: char| one.is_ascii_alphanumeric();
            label.starts_with(is_edge)
                && label.ends_with(is_edge)
                && label
                    .chars()
                    .all(|one| one.is_ascii_alphanumeric() || matches!(one, '-' | '_'))
        };
        if !labels.iter().all(is_label) {
            return Err(invalid());
        }
        let is_chinese = labels
            .iter()
            .skip(1)
            .any(|label| label.to_ascii_lowercase().starts_with("cn-"));
        let domain = if is_chinese { "cn" } else { "com" };
        let name = identifier.to_ascii_lowercase().replace('_', "-");
        Ok(Self {
            host: format!("{name}.snowflakecomputing.{domain}"),
            identifier,
        })
    }
}

/// The identifier, without the other parts of a URL.
fn identifier(text: &str) -> String {
    let text = match text.split_once("://") {
        Some((_, rest)) => rest,
        None => text,
    };
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let mut parts = text.split('/').filter(|part| !part.is_empty());
    let first = parts.next().unwrap_or_default();
    if first.eq_ignore_ascii_case("app.snowflake.com") {
        let (left, right) = (parts.next().unwrap_or_default(), parts.next());
        return match right {
            Some(locator) if is_region(left) => format!("{locator}.{left}"),
            Some(account) => format!("{left}-{account}"),
            None => left.to_owned(),
        };
    }
    if let Some(position) = first.to_ascii_lowercase().find(".snowflakecomputing") {
        return first[..position].to_owned();
    }
    match parts.next() {
        Some(account) => format!("{first}-{account}"),
        None => of_labels(first),
    }
}

/// `ORG.ACCOUNT` with a hyphen; any other identifier unchanged.
fn of_labels(text: &str) -> String {
    match text.split_once('.') {
        Some((organization, account)) if !is_region(account) && account != "privatelink" => {
            format!("{organization}-{account}")
        }
        _ => text.to_owned(),
    }
}

fn is_region(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let first = text.split(['-', '.']).next().unwrap_or_default();
    text.contains(|one: char| one == '-' || one.is_ascii_digit()) && REGIONS.contains(&first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_common_form_of_an_account_is_accepted() {
        for (text, host) in [
            ("xy12345", "xy12345.snowflakecomputing.com"),
            (
                "myorg-my_account",
                "myorg-my-account.snowflakecomputing.com",
            ),
            (
                "MYORG.MY_ACCOUNT",
                "myorg-my-account.snowflakecomputing.com",
            ),
            ("myorg/acct", "myorg-acct.snowflakecomputing.com"),
            (" myorg-acct ", "myorg-acct.snowflakecomputing.com"),
            (
                "xy12345.eu-central-1",
                "xy12345.eu-central-1.snowflakecomputing.com",
            ),
            (
                "xy12345.us-central1.gcp",
                "xy12345.us-central1.gcp.snowflakecomputing.com",
            ),
            (
                "xy12345.west-europe.azure",
                "xy12345.west-europe.azure.snowflakecomputing.com",
            ),
            (
                "xy12345.eu-central-1.privatelink",
                "xy12345.eu-central-1.privatelink.snowflakecomputing.com",
            ),
            (
                "myorg-acct.privatelink",
                "myorg-acct.privatelink.snowflakecomputing.com",
            ),
            (
                "xy12345.cn-northwest-1",
                "xy12345.cn-northwest-1.snowflakecomputing.cn",
            ),
            (
                "xy12345.cn-northwest-1.aws.snowflakecomputing",
                "xy12345.cn-northwest-1.aws.snowflakecomputing.cn",
            ),
            (
                "https://xy12345.snowflakecomputing.com",
                "xy12345.snowflakecomputing.com",
            ),
            (
                "https://myorg-acct.snowflakecomputing.com/console/login#/",
                "myorg-acct.snowflakecomputing.com",
            ),
            (
                "app.snowflake.com/myorg/acct",
                "myorg-acct.snowflakecomputing.com",
            ),
            (
                "https://app.snowflake.com/us-east-1/xy12345/#/homepage",
                "xy12345.us-east-1.snowflakecomputing.com",
            ),
        ] {
            assert_eq!(Account::parse(text).unwrap().host, host, "{text}");
        }
    }

    #[test]
    fn an_invalid_account_is_rejected() {
        for text in ["''", "", "my account", "-x", "a..b", "naïve", "https://"] {
            let error = Account::parse(text).unwrap_err().to_string();
            assert!(error.contains("expected ORG-ACCOUNT"), "{text}: {error}");
        }
    }
}
