//! Ctrl-C and `kill`: the first stops the run at the next complete file, the second ends it at once.
//!
//! No partial file is left in either case: the unfinished file is tracked here, from its creation to its renaming.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use firn::{Context, Error, Result};

/// Whether the user asked to stop, and the unfinished file to remove on the second signal.
#[derive(Default)]
pub struct Interrupt {
    requested: AtomicBool,
    under_way: Mutex<Option<PathBuf>>,
    woken: Condvar,
}

impl Interrupt {
    /// Installs the signal handler.
    pub fn listen() -> Result<Arc<Self>> {
        let interrupt = Arc::new(Self::default());
        let handler = Arc::clone(&interrupt);
        ctrlc::set_handler(move || handler.request())
            .map_err(|error| Error::bug(error.to_string()))
            .context(|| "cannot handle Ctrl-C".to_owned())?;
        Ok(interrupt)
    }

    fn request(&self) {
        // The lock is held until the end, so that no other part file is created meanwhile.
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

    /// Creates and tracks an unfinished file.
    pub fn create(&self, part: &Path) -> io::Result<File> {
        let mut under_way = self.lock();
        // Remove the file of a killed run, or a symbolic link: neither must be written through.
        match fs::remove_file(part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = File::create_new(part)?;
        *under_way = Some(part.to_owned());
        Ok(file)
    }

    /// Renames the unfinished file to its final name.
    pub fn rename(&self, part: &Path, path: &Path) -> io::Result<()> {
        let mut under_way = self.lock();
        fs::rename(part, path)?;
        *under_way = None;
        Ok(())
    }

    /// Removes the unfinished file.
    pub fn remove(&self, part: &Path) {
        let mut under_way = self.lock();
        // If the file cannot be removed, the original error is reported nevertheless.
        let _ = fs::remove_file(part);
        *under_way = None;
    }
}
