//! Finds the files of a folder that may be loaded, and those of them that are complete.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use clap::Args;
use firn::{Error, Result};
use glob::Pattern;
use walkdir::{DirEntry, WalkDir};

use crate::generate::manifest_file::MANIFEST;
use crate::quantity::duration;

/// Suffixes that transfer tools, editors and file systems give to incomplete files and to files without data.
const UNFINISHED: [&str; 13] = [
    ".part",
    ".partial",
    ".tmp",
    ".temp",
    ".filepart",
    ".crdownload",
    "._COPYING_",
    ".swp",
    "~",
    ".done",
    ".ok",
    ".crc",
    ".lock",
];
/// Names of files without rows.
const NOT_DATA: [&str; 4] = [MANIFEST, "_SUCCESS", "Thumbs.db", "desktop.ini"];
/// A last row without line end may be incomplete: such a file has to stay unchanged this many times longer.
const UNENDED_FACTOR: u32 = 5;

/// Which files are taken.
#[derive(Args)]
pub struct FolderArgs {
    /// Load a file once it has not changed for this long
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    settle: Duration,
    /// Load a file once a file with this suffix appears beside it
    #[arg(long, value_name = "SUFFIX")]
    done_suffix: Option<String>,
    /// Load only files whose name or relative path matches
    #[arg(long, value_name = "GLOB", value_parser = pattern)]
    pattern: Option<Pattern>,
    /// Watch subfolders too
    #[arg(long)]
    recursive: bool,
    /// Load files behind symbolic links
    #[arg(long)]
    follow_links: bool,
}

fn pattern(text: &str) -> Result<Pattern, String> {
    Pattern::new(text).map_err(|error| format!("invalid pattern: {error}"))
}

/// Identifies a file's version: differs after a replacement, even by a file of the same size and time.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Identity {
    pub inode: u64,
    /// The change time in nanoseconds; the system sets it on every write, and no program can set it.
    pub changed: i128,
}

/// A file that may be loaded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    pub path: PathBuf,
    /// Its path within the folder.
    pub name: PathBuf,
    /// Time, size and name.
    pub key: String,
    pub identity: Identity,
    modified: Duration,
}

/// The result of a scan of the folder.
#[derive(Default)]
pub struct Look {
    /// The files, the oldest first.
    pub files: Vec<Found>,
    /// The number of symbolic links that the options exclude.
    pub links: usize,
    pub subfolders: usize,
}

/// The folder, with the time since which each file has not changed.
pub struct Folder {
    root: PathBuf,
    arguments: FolderArgs,
    /// Folders for finished files.
    skipped: Vec<PathBuf>,
    resting: HashMap<PathBuf, (String, Identity, Instant)>,
}

impl Folder {
    pub fn new(root: &Path, arguments: FolderArgs, skipped: &[Option<&Path>]) -> Self {
        let whole = |path: &&Path| std::fs::canonicalize(path).ok();
        Self {
            root: root.to_owned(),
            arguments,
            skipped: skipped.iter().flatten().filter_map(whole).collect(),
            resting: HashMap::new(),
        }
    }

    /// Every file that may be loaded, complete or not.
    pub fn look(&self) -> Result<Look> {
        let mut look = Look::default();
        let arguments = &self.arguments;
        let entries = WalkDir::new(&self.root)
            .min_depth(1)
            .max_depth(if arguments.recursive { usize::MAX } else { 1 })
            .follow_root_links(true)
            .follow_links(arguments.follow_links)
            .into_iter()
            .filter_entry(|entry| !self.is_skipped(entry));
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                // The folder itself; a file below it may have been deleted after it was listed.
                Err(error) if error.depth() == 0 => return Err(cannot_list(&self.root, error)),
                Err(_) => continue,
            };
            if entry.path_is_symlink() && !arguments.follow_links {
                look.links += 1;
            } else if entry.file_type().is_dir() {
                look.subfolders += usize::from(!arguments.recursive);
            } else if let Some(found) = self.found(&entry) {
                look.files.push(found);
            }
        }
        look.files
            .sort_by(|one, other| (one.modified, &one.path).cmp(&(other.modified, &other.path)));
        Ok(look)
    }

    fn is_skipped(&self, entry: &DirEntry) -> bool {
        let name = entry.file_name().to_string_lossy();
        entry.depth() > 0
            && (name.starts_with('.')
                || entry.file_type().is_dir()
                    && std::fs::canonicalize(entry.path())
                        .is_ok_and(|path| self.skipped.contains(&path)))
    }

    fn found(&self, entry: &DirEntry) -> Option<Found> {
        let metadata = entry.metadata().ok().filter(Metadata::is_file)?;
        let name = entry.path().strip_prefix(&self.root).ok()?;
        if !self.is_wanted(name) {
            return None;
        }
        let modified = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .unwrap_or_default();
        Some(Found {
            path: entry.path().to_owned(),
            key: format!("{} {} {name:?}", modified.as_nanos(), metadata.len()),
            name: name.to_owned(),
            identity: identity(&metadata),
            modified,
        })
    }

    fn is_wanted(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let marker = self.arguments.done_suffix.as_deref();
        let is_named = |pattern: &Pattern| pattern.matches(&name) || pattern.matches_path(path);
        !NOT_DATA.contains(&name.as_ref())
            && !name.starts_with('~')
            && !UNFINISHED.iter().any(|ending| name.ends_with(ending))
            && !marker.is_some_and(|suffix| name.ends_with(suffix))
            && self.arguments.pattern.as_ref().is_none_or(is_named)
    }

    /// The complete files, and the number of files that have yet to settle.
    pub fn complete(&mut self, files: Vec<Found>) -> (Vec<Found>, usize) {
        let now = Instant::now();
        let mut resting = HashMap::new();
        let all = files.len();
        let mut complete = files;
        complete.retain(|found| {
            let since = match self.resting.get(&found.path) {
                Some((key, identity, since))
                    if *key == found.key && *identity == found.identity =>
                {
                    *since
                }
                _ => now,
            };
            resting.insert(
                found.path.clone(),
                (found.key.clone(), found.identity, since),
            );
            self.is_complete(found, now.duration_since(since))
        });
        self.resting = resting;
        // A file whose marker is missing may never be complete.
        let waiting = match self.arguments.done_suffix {
            Some(_) => 0,
            None => all - complete.len(),
        };
        (complete, waiting)
    }

    fn is_complete(&self, found: &Found, rested: Duration) -> bool {
        match self.marker(found) {
            Some(marker) => marker.exists(),
            None => {
                let settle = self.arguments.settle;
                rested >= settle && (rested >= settle * UNENDED_FACTOR || is_ended(&found.path))
            }
        }
    }

    /// The marker file that shows that this one is complete.
    pub fn marker(&self, found: &Found) -> Option<PathBuf> {
        let suffix = self.arguments.done_suffix.as_ref()?;
        let mut marker = found.path.clone().into_os_string();
        marker.push(suffix);
        Some(marker.into())
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    Identity {
        inode: metadata.ino(),
        changed: i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec()),
    }
}

#[cfg(not(unix))]
fn identity(_metadata: &Metadata) -> Identity {
    Identity::default()
}

/// Whether a file's last row has a line end; compressed formats detect truncation themselves.
fn is_ended(path: &Path) -> bool {
    let ends = || {
        let mut file = File::open(path)?;
        let mut start = [0; 4];
        let read = file.read(&mut start)?;
        if matches!(start[..read], [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd]) {
            return Ok(true);
        }
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(length.saturating_sub(2)))?;
        let mut end = Vec::new();
        file.read_to_end(&mut end)?;
        Ok::<_, std::io::Error>(end.is_empty() || end.contains(&b'\n') || end.ends_with(b"\r"))
    };
    // A read error is reported when the file is loaded.
    ends().unwrap_or(true)
}

fn cannot_list(root: &Path, error: walkdir::Error) -> Error {
    Error::from(std::io::Error::from(error)).context(root.display().to_string())
}
