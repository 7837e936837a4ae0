//! A client for Snowflake's SQL API and Snowpipe's REST.
//!
//! | file | what |
//! | --- | --- |
//! | `account` | an account's identifier, in every form in which people copy it |
//! | `connection` | where and as whom, from Snowflake's own files and variables |
//! | `secret` | texts that never show |
//! | `credential` | key pair, programmatic access token, OAuth: one header each |
//! | `tls` | whether secrets may travel to an address |
//! | `transport` | one HTTP call, tried again with the same request id |
//! | `client` | statements: submit, wait, read all partitions, cancel on drop |
//! | `answer` | what the SQL API says |
//! | `snowpipe` | tell a pipe of files, ask what became of them |
//!
//! It knows no contract and no merge.

mod account;
mod answer;
mod client;
mod connection;
#[cfg(test)]
mod connection_tests;
mod credential;
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
