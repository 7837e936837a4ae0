//! The crate's error type: what went wrong, where, and whether a retry can help. It never contains a secret.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// What a failed call means to its caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting, a file, a privilege or an object has to change before the call can succeed.
    Config,
    /// The data or the request was rejected permanently.
    Rejected,
    /// The same call may succeed later: the network, a busy service, a lock.
    Transient,
    /// A bug in Firn: please report it.
    Bug,
}

/// The cause of an error. Only `File` means that the file has failed: after any other error, the same file may load later.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The file: its content or header is invalid, or it cannot be read.
    File,
    /// The setup: a setting, a credential, a privilege or an object is missing.
    Setup,
    /// A service or the network: S3 or Snowflake does not answer, or rejects requests temporarily.
    Service,
    /// Firn itself.
    Bug,
}

/// An error with its kind and its context.
///
/// ```
/// use firn::{Error, ErrorKind};
/// let error = Error::config("private key is encrypted: set `Private Key Passphrase`").context("connection `dev`");
/// assert_eq!(error.to_string(), "connection `dev`: private key is encrypted: set `Private Key Passphrase`");
/// assert_eq!(error.kind(), ErrorKind::Config);
/// assert!(!error.is_transient());
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    fault: Option<Fault>,
    message: String,
    contexts: Vec<String>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// A result with the crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` that says what, where and what next.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            fault: None,
            message: message.into(),
            contexts: Vec::new(),
            source: None,
        }))
    }

    /// A configuration error.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// A permanent rejection.
    pub fn rejected(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Rejected, message)
    }

    /// An error that a retry may resolve.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Transient, message)
    }

    /// A bug in Firn.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Bug, message)
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Sets the cause, where the kind does not determine it.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.0.fault = Some(fault);
        self
    }

    /// The same error with the file as its cause, unless a retry can help.
    #[must_use]
    pub(crate) fn of_file(self) -> Self {
        match self.kind() {
            ErrorKind::Config | ErrorKind::Rejected => self.with_fault(Fault::File),
            _ => self,
        }
    }

    /// Adds context; the outermost is added last.
    #[must_use]
    pub fn context(mut self, place: impl Into<String>) -> Self {
        self.0.contexts.push(place.into());
        self
    }

    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The cause of the error.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.0.fault.unwrap_or(match self.0.kind {
            ErrorKind::Config | ErrorKind::Rejected => Fault::Setup,
            ErrorKind::Transient => Fault::Service,
            ErrorKind::Bug => Fault::Bug,
        })
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.0.kind == ErrorKind::Transient
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in self.0.contexts.iter().rev() {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)?;
        if let Some(source) = &self.0.source {
            write!(f, " (caused by: {source})")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let kind = match error.kind() {
            Io::NotFound
            | Io::PermissionDenied
            | Io::IsADirectory
            | Io::NotADirectory
            | Io::AlreadyExists
            | Io::ReadOnlyFilesystem => ErrorKind::Config,
            Io::InvalidData | Io::UnexpectedEof => ErrorKind::Rejected,
            _ => ErrorKind::Transient,
        };
        Self::new(kind, error.to_string()).with_source(error)
    }
}

/// Adds context to the error of a result.
pub trait Context<T> {
    /// Adds where the failure happened; `place` is only called on failure.
    ///
    /// # Errors
    /// The same error, with the context added.
    fn context(self, place: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, place: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| error.into().context(place()))
    }
}
