//! What queries ask of the engine itself.
//!
//! - `information`: INFORMATION_SCHEMA
//! - `validate`: VALIDATE, which looks back at a COPY
//! - `system`: functions that ask who, where and when, and the SYSTEM$ functions

pub(crate) mod information;
pub(crate) mod system;
pub(crate) mod validate;
