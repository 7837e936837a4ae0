//! Map to come.
fn main() {}
