//! The one error of the crate: what went wrong, where, and whether trying again can help. It never holds a secret.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// What a failed call means to its caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting, a file, a right or an object has to change before the call can succeed.
    Config,
    /// The data was refused, or the other side refused the request for good.
    Rejected,
    /// The same call may succeed later: the network, a busy service, a lock.
    Transient,
    /// Firn itself is wrong: please report it.
    Bug,
}

/// Whose fault an error is. Only a fault of the file means that the file has failed: after any other, the same file may load later.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The file: its content, its header, or that it cannot be read.
    File,
    /// The setup: a setting, a credential, a right or an object that is missing.
    Setup,
    /// A service or the network: S3 or Snowflake does not answer, or refuses for now.
    Service,
    /// Firn itself.
    Bug,
}

/// An error with its kind and the places it passed on its way up.
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

    /// Something has to be set right first.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// Refused for good.
    pub fn rejected(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Rejected, message)
    }

    /// Worth another try.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Transient, message)
    }

    /// A fault of Firn's own.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Bug, message)
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Says whose fault it is, where the kind does not.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.0.fault = Some(fault);
        self
    }

    /// The same error as a fault of the file that was read, unless trying again can help.
    #[must_use]
    pub(crate) fn of_file(self) -> Self {
        match self.kind() {
            ErrorKind::Config | ErrorKind::Rejected => self.with_fault(Fault::File),
            _ => self,
        }
    }

    /// Says where it happened, outermost last added.
    #[must_use]
    pub fn context(mut self, place: impl Into<String>) -> Self {
        self.0.contexts.push(place.into());
        self
    }

    /// What the failure means to the caller.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whose fault it is.
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

/// Adds a place to the error of a result.
pub trait Context<T> {
    /// Names where the failure happened; `place` is only called on failure.
    ///
    /// # Errors
    /// The same error, with the place added.
    fn context(self, place: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, place: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| error.into().context(place()))
    }
}
