//! Ctrl-C and `kill`: the first asks the run to stop at the next complete file, the second ends it at once.
//!
//! No partial file stays behind either way: the file under way is known here, from its creation to its renaming.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use firn::{Context, Error, Result};

/// Whether the user asked to stop, and the file to remove if they do not wait.
#[derive(Default)]
pub struct Interrupt {
    requested: AtomicBool,
    under_way: Mutex<Option<PathBuf>>,
    woken: Condvar,
}

impl Interrupt {
    /// Listens from now on.
    pub fn listen() -> Result<Arc<Self>> {
        let interrupt = Arc::new(Self::default());
        let handler = Arc::clone(&interrupt);
        ctrlc::set_handler(move || handler.request())
            .map_err(|error| Error::bug(error.to_string()))
            .context(|| "cannot handle Ctrl-C".to_owned())?;
        Ok(interrupt)
    }

    fn request(&self) {
        // The lock is kept until the end: no other part file is made in between.
        let under_way = self.lock();
        if self.requested.swap(true, Ordering::Relaxed) {
            if let Some(part) = &*under_way {
                let _ = fs::remove_file(part);
            }
            std::process::exit(130);
        }
        self.woken.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Option<PathBuf>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the user asked to stop.
    pub fn requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed)
    }

    /// Waits until a time, or until the user asks to stop.
    pub fn wait_until(&self, time: Instant) {
        let mut under_way = self.lock();
        while !self.requested() {
            let left = time.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.woken.wait_timeout(under_way, left);
            under_way = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Creates the file that is under way from now on.
    pub fn create(&self, part: &Path) -> io::Result<File> {
        let mut under_way = self.lock();
        // What a killed run has left, or a link that somebody else has put there: neither is written through.
        match fs::remove_file(part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = File::create_new(part)?;
        *under_way = Some(part.to_owned());
        Ok(file)
    }

    /// Gives the file under way its name.
    pub fn rename(&self, part: &Path, path: &Path) -> io::Result<()> {
        let mut under_way = self.lock();
        fs::rename(part, path)?;
        *under_way = None;
        Ok(())
    }

    /// Removes the file under way.
    pub fn remove(&self, part: &Path) {
        let mut under_way = self.lock();
        // A file that cannot be removed has to stay; the error that led here is reported.
        let _ = fs::remove_file(part);
        *under_way = None;
    }
}
