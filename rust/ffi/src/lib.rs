//! The edge of Firn's core towards other runtimes: the JNI exports for the NiFi processors and a C ABI for everyone else.
//! No logic lives here: decode, call the core, encode. It is the only crate with unsafe code.
//!
//! - [`failure`]: what an export reports when it fails
//! - [`stream`]: a generated stream, read into buffers
//! - [`loader`]: a pipeline, driven without async
//! - [`rejected_rows`]: the rows that break the contract, as CSV
//! - [`tickets`]: handles, as tickets into a table of sessions
//! - [`log_queue`]: the core's log, kept until Java fetches it
//! - [`jni_edge`]: the wrapper around each JNI export, strings and direct buffers
//! - `java_*`: the exports, one file for each Java class
//! - [`c_abi`]: the functions of `include/firn.h`

mod c_abi;
mod failure;
mod java_firn_library;
mod java_native_generator;
mod java_native_loader;
mod jni_edge;
mod loader;
mod log_queue;
mod rejected_rows;
mod stream;
mod tickets;
