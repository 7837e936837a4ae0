//! Checks whether secrets may be sent to an address: only over TLS, or within this machine.

use super::connection::Connection;
use crate::error::{Error, Result};

/// Hosts that may be called without TLS, separated by commas: for private networks, such as a network of containers.
const HTTP_HOSTS: &str = "FIRN_HTTP_HOSTS";

impl Connection {
    /// Checks that secrets are sent over TLS, or do not leave this machine.
    ///
    /// # Errors
    /// `Config` if the URL is not https, and its host is neither loopback nor in `FIRN_HTTP_HOSTS`.
    pub(super) fn check_tls(&self) -> Result<()> {
        let allowed = std::env::var(HTTP_HOSTS).unwrap_or_default();
        check_tls(&self.url, &allowed)
    }
}

fn check_tls(url: &str, allowed: &str) -> Result<()> {
    // Parsed as in the HTTP client, so that no other spelling of a scheme or a host bypasses the check.
    let url = reqwest::Url::parse(url).map_err(|error| {
        Error::config(format!(
            "invalid account URL: {error}: expected https://host"
        ))
    })?;
    let host = url.host_str().unwrap_or_default();
    let is_allowed = || {
        allowed
            .split(',')
            .any(|one| one.trim().eq_ignore_ascii_case(host))
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(host) || is_allowed() => Ok(()),
        "http" => Err(Error::config(format!(
            "protocol http would send secrets to {host} unencrypted: use https, or name the host in {HTTP_HOSTS} if its network is private"
        ))),
        other => Err(Error::config(format!(
            "invalid protocol `{other}`: expected https"
        ))),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_and_named_hosts_are_called_without_tls() {
        for url in [
            "https://a.snowflakecomputing.com",
            "HTTPS://a.example",
            "http://localhost:8085",
            "http://127.0.0.1:8085",
            "http://127.1",
            "http://[::1]:8085",
            "HTTP://snowglobe:8085",
        ] {
            assert!(check_tls(url, "other, snowglobe").is_ok(), "{url}");
        }
        for url in [
            "http://example.com",
            "HTTP://example.com",
            "Http://host",
            "http://134744072",
            "http://127.0.0.1.example.com",
            "http://localhost@example.com",
            "ftp://127.0.0.1",
            "snowglobe",
        ] {
            assert!(check_tls(url, "").is_err(), "{url}");
        }
        let error = check_tls("http://user:pass@example.com/", "").unwrap_err();
        assert!(!error.to_string().contains("pass"), "{error}");
    }
}
