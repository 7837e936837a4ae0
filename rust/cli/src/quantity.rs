//! Value parsers for Clap. Clap's message names the argument and the value, so an error only has the expected form.

use std::time::Duration;

use firn::quantity::{self, Invalid};

/// The end of Clap's message.
pub fn expected(invalid: Invalid) -> String {
    format!("expected {}", invalid.expected)
}

pub fn count(text: &str) -> Result<u64, String> {
    quantity::count(text, 0, u64::MAX).map_err(expected)
}

pub fn at_least_one(text: &str) -> Result<u64, String> {
    quantity::count(text, 1, u64::MAX).map_err(expected)
}

/// A count that fits the argument's type.
pub fn whole<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    let number = count(text)?;
    T::try_from(number).map_err(|_| format!("expected a number smaller than {number}"))
}

/// Minutes up to eight days, the longest interval of a task's schedule.
pub fn minutes(text: &str) -> Result<u32, String> {
    let number = quantity::count(text, 1, 11_520).map_err(expected)?;
    u32::try_from(number).map_err(|error| error.to_string())
}

pub fn threads(text: &str) -> Result<usize, String> {
    let number = quantity::count(text, 1, 1024).map_err(expected)?;
    usize::try_from(number).map_err(|error| error.to_string())
}

pub fn fraction(text: &str) -> Result<f64, String> {
    quantity::fraction(text).map_err(expected)
}

pub fn rate(text: &str) -> Result<f64, String> {
    quantity::rate(text).map_err(expected)
}

pub fn duration(text: &str) -> Result<Duration, String> {
    quantity::duration(text).map_err(expected)
}
