//! The commands of `firn` as a user runs them: the binary, with Snowglobe.
//!
//! | file | what |
//! | --- | --- |
//! | `fixture` | a Snowglobe, and the binary with its address in the environment |
//! | `end_to_end` | bootstrap, put, status, history, as-of, verify, drop |
//! | `watch` | a folder: restarts, kills, Ctrl-C, malformed files |
//! | `watch_files` | which files a watch loads, when, and where it moves them |
//! | `rejects` | rejected rows: listed, and sent again |
//! | `reconcile` | changes that no stream shows, and dropped tables |
//! | `doctor` | each kind of problem, with its fix |
//! | `demo` | the demonstration, to its end and interrupted |
//! | `connection` | the sources of connections, and their failures |
//! | `input` | invalid files, buckets and tables |
//! | `names` | names that a contract may use, and those of another contract |
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
