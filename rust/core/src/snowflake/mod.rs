//! A client for Snowflake's SQL API and Snowpipe's REST.
//!
//! | file | what |
//! | --- | --- |
//! | `account` | an account's identifier, in all common forms |
//! | `connection` | connection settings, from Snowflake's own files and variables |
//! | `secret` | texts that are never shown |
//! | `private_key` | an RSA key from the PEM text of any tool |
//! | `credential` | key pair, programmatic access token, OAuth: one header each |
//! | `tls` | whether secrets may be sent to an address |
//! | `transport` | one HTTP call, retried with the same request id |
//! | `client` | statements: submit, poll, read all partitions, cancel on drop |
//! | `answer` | responses of the SQL API |
//! | `snowpipe` | notify a pipe of files, read its load report |
//!
//! It knows no contract and no merge.

mod account;
mod answer;
mod client;
mod connection;
#[cfg(test)]
mod connection_tests;
mod credential;
mod private_key;
mod secret;
mod snowpipe;
mod tls;
mod transport;

pub use answer::Rows;
pub use client::{Client, Statement};
pub use connection::{Connection, ConnectionSource};
pub use credential::Credential;
pub use secret::Secret;
pub use snowpipe::{FileReport, FileState};
