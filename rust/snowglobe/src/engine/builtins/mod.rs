//! What queries ask of the engine itself.
//!
//! - `information`: INFORMATION_SCHEMA
//! - `system`: functions that ask who, where and when, and the SYSTEM$ functions

pub(crate) mod information;
pub(crate) mod system;
