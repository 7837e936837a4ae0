//! The failure that an export reports: the core's error, or a panic. Pure: knows neither JNI nor C.

use std::any::Any;
use std::fmt;

use firn::{Error, ErrorKind, Fault};

/// A failed call: its kind, and a message for the user.
#[derive(Debug)]
pub struct Failure(Error);

impl Failure {
    pub fn config(message: impl Into<String>) -> Self {
        Self(Error::config(message))
    }

    /// A panic of the core, from the payload that `catch_unwind` returned.
    pub fn panicked(payload: &(dyn Any + Send)) -> Self {
        let message = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        Self(Error::bug(format!(
            "the native core panicked: report this as a bug: {message}"
        )))
    }

    pub fn kind_name(&self) -> &'static str {
        kind_name(self.0.kind())
    }
}

/// The name of the kind's constant in `io.firn.nifi.core.CoreException.Kind`.
pub fn kind_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Config => "CONFIG",
        ErrorKind::Rejected => "REJECTED",
        ErrorKind::Transient => "TRANSIENT",
        _ => "BUG",
    }
}

/// The cause of a file's failure, by the same names: only `REJECTED` means that the file itself has failed.
pub fn fault_name(error: &Error) -> &'static str {
    match error.fault() {
        _ if error.is_transient() => "TRANSIENT",
        Fault::File => "REJECTED",
        Fault::Setup => "CONFIG",
        Fault::Service => "TRANSIENT",
        _ => "BUG",
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<jni::errors::Error> for Failure {
    fn from(error: jni::errors::Error) -> Self {
        Self(Error::bug(format!("a JNI call failed: {error}")).with_source(error))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self(Error::bug(format!("cannot write JSON: {error}")).with_source(error))
    }
}
