//! The commands of `firn` as a user runs them: the binary, with Snowglobe behind it.
//!
//! | file | what |
//! | --- | --- |
//! | `fixture` | a Snowglobe, and the binary with its address in the environment |
//! | `end_to_end` | bootstrap, put, status, history, as-of, verify, drop |
//! | `watch` | a folder: restarts, kills, Ctrl-C, malformed files |
//! | `watch_files` | which files a watch takes, when, and where it puts them |
//! | `rejects` | what was rejected: listed, and sent again |
//! | `reconcile` | changes that no stream shows, and tables that were dropped |
//! | `doctor` | each kind of problem, with its fix |
//! | `demo` | the demonstration, to its end and interrupted |
//! | `connection` | where connections come from, and how they fail |
//! | `input` | files, buckets and tables that are not what they should be |
//! | `names` | names that a contract may take, and those that another one has |
//! | `store` | credentials, encryption, parts and memory of an upload |

#![cfg(unix)]
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what surrounds a test fails as the test does"
)]

mod connection;
mod contract;
mod demo;
mod doctor;
mod end_to_end;
mod fixture;
mod input;
mod names;
mod reconcile;
mod rejects;
mod setup;
mod sources;
mod store;
mod upgrade;
mod watch;
mod watch_files;
