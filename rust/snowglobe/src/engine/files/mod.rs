//! The bytes of staged files as records. It knows neither stages nor tables.
//!
//! - `formats`: file formats, their options and encodings
//! - `csv`: reads CSV exactly, record by record
//! - `scan`: the table function `sf_csv`; `pieces` cuts a file for it, `split` splits the records of a piece

pub(crate) mod csv;
pub(crate) mod formats;
pub(crate) mod pieces;
pub(crate) mod scan;
pub(crate) mod split;
