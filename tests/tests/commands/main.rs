//! The commands of `firn` as a user runs them: the binary, with Snowglobe behind it.
//!
//! | file | what |
//! | --- | --- |
//! | `ground` | a Snowglobe, and the binary with the way to it in its environment |
//! | `way` | bootstrap, put, status, history, as-of, verify, drop |
//! | `watch` | a folder: restarts, kills, Ctrl-C, broken files |
//! | `doctor` | each kind of trouble, with its cure |
//! | `demo` | the demonstration, to its end and interrupted |
//! | `connection` | where connections come from, and how they fail |
//! | `input` | files, buckets and tables that are not what they should be |
//! | `store` | credentials, encryption, parts and memory of an upload |

#![cfg(unix)]
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what surrounds a test fails as the test does"
)]

mod connection;
mod demo;
mod doctor;
mod ground;
mod input;
mod store;
mod watch;
mod way;
