//! `s3://bucket/prefix/` as bucket and prefix.

use crate::error::{Error, Result};

/// A prefix in a bucket.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Location {
    /// The bucket.
    pub bucket: String,
    /// The prefix, empty or with a slash at its end.
    pub prefix: String,
}

impl Location {
    /// Reads `s3://bucket/prefix`.
    ///
    /// # Errors
    /// `Config` if `url` is not such a URL.
    pub fn parse(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("s3://").ok_or_else(|| {
            Error::config(format!(
                "invalid stage URL `{url}`: expected s3://bucket/prefix/"
            ))
        })?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(Error::config(format!(
                "invalid stage URL `{url}`: expected s3://bucket/prefix/"
            )));
        }
        let slash = if prefix.is_empty() || prefix.ends_with('/') {
            ""
        } else {
            "/"
        };
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: format!("{prefix}{slash}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_ends_with_one_slash() {
        assert_eq!(
            Location::parse("s3://b/a/c").unwrap(),
            Location {
                bucket: "b".into(),
                prefix: "a/c/".into()
            }
        );
        assert_eq!(Location::parse("s3://b").unwrap().prefix, "");
        assert!(
            Location::parse("gs://b")
                .unwrap_err()
                .to_string()
                .contains("expected s3://bucket/prefix/")
        );
    }
}
