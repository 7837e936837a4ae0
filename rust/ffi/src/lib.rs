//! The boundary between Firn's core and other runtimes: the JNI exports for the NiFi processors, and a C ABI for all other languages.
//! It holds no logic: it decodes, calls the core, and encodes. It is the only crate with unsafe code.
//!
//! - [`failure`]: the failure that an export reports
//! - [`stream`]: a generated stream, read into buffers
//! - [`loader`]: a pipeline, driven without async
//! - [`contents`]: contents that the caller holds, read while they are loaded
//! - [`rejected_rows`]: the malformed rows of a file, as CSV
//! - [`tickets`]: handles, as tickets into a table of sessions
//! - [`log_queue`]: the core's log, queued until Java fetches it
//! - [`jni_edge`]: the wrapper around each JNI export, strings and direct buffers
//! - `java_*`: the exports, one file for each Java class
//! - [`c_abi`]: the functions of `include/firn.h`

mod c_abi;
mod contents;
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
