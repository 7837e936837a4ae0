//! Which warehouses run, and since when.

use std::collections::HashMap;
use std::sync::Mutex;

/// Who runs since when.
#[derive(Default)]
pub struct Meter(pub(super) Mutex<HashMap<String, Running>>);

#[derive(Clone, Copy, Debug)]
pub(super) struct Running {
    pub since_micros: i64,
    pub last_used_micros: i64,
}
