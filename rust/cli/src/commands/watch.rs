//! `firn watch`: a folder's new files, each once, also over restarts.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use clap::Args;
use firn::pipeline::{Loader, StagedFile};
use firn::reader::RejectedRow;
use firn::{Context, Error, ErrorKind, Result};

use super::deployment::{DeploymentArgs, StageArgs};
use super::report;
use crate::generate::record::MANIFEST;

/// How often it looks, unless looking takes long: then it rests four times as long as it looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long the rows of a file may take; then it is tried again.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Remembers in the folder itself which files are done.
const JOURNAL: &str = ".firn-watch";

const EXAMPLES: &str = "\
Examples:
  firn watch landing
  firn watch landing --no-merge --stage-url s3://my-landing/
  firn watch landing --once";

/// Put every new file of a folder, each once, until interrupted
///
/// Files whose names begin with a dot are left alone: write to such a name, then rename. Finished files stay where they are
/// and are noted in `.firn-watch`, so that a restart does not read them again. The `manifest.json` of `firn generate` is left alone, too.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Watch {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    deployment: DeploymentArgs,
    #[command(flatten)]
    stage: StageArgs,
    /// Put what is there, then end
    #[arg(long)]
    once: bool,
    /// Leave merging to the task
    #[arg(long)]
    no_merge: bool,
}

/// A file by what changes when it is written anew.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Seen(String);

impl Watch {
    /// Runs the command.
    pub async fn run(self) -> Result<()> {
        let loader = self.deployment.loader(&self.stage).await?;
        let mut journal = Journal::open(&self.folder)?;
        let mut growing: HashSet<Seen> = HashSet::new();
        let mut refused = 0;
        loop {
            let mut now_growing = HashSet::new();
            let looked_at = Instant::now();
            let files = new_files(&self.folder, &journal.done)?;
            let rest = LOOK_EVERY.max(looked_at.elapsed() * 4);
            for (path, seen) in files {
                // A file that still grows looks different the next time.
                if !self.once && !growing.contains(&seen) {
                    now_growing.insert(seen);
                    continue;
                }
                match self.one(&loader, &path).await {
                    Ok(()) => journal.note(seen)?,
                    // Moved away or deleted since the folder was listed.
                    Err(_) if !path.exists() => {}
                    Err(error) if error.is_transient() && !self.once => {
                        log::warn!("{error}; it is tried again");
                        now_growing.insert(seen);
                    }
                    // A broken file must not stop the others; it is told again after it is replaced, or at a restart.
                    Err(error) if error.kind() == ErrorKind::Rejected => {
                        eprintln!("firn: {error}");
                        refused += 1;
                        journal.done.insert(seen);
                    }
                    Err(error) => return Err(error),
                }
            }
            if self.once {
                return all_taken(refused);
            }
            growing = now_growing;
            tokio::time::sleep(rest).await;
        }
    }

    async fn one(&self, loader: &Loader, path: &Path) -> Result<()> {
        // Whatever else has to be set right stops the watch; what is the file's own fault, the file alone.
        loader
            .check(path)
            .await
            .map_err(|error| match error.kind() {
                ErrorKind::Config => Error::rejected(error.to_string()),
                _ => error,
            })?;
        let on_row = |path: &Path, row: &RejectedRow| {
            eprintln!("{}", report::rejected_row(&path.display().to_string(), row));
        };
        let shown = path.display();
        if self.no_merge {
            let file = path.to_path_buf();
            let staged = loader.upload(path, move |row| on_row(&file, row)).await?;
            let line = |one: &StagedFile| format!("{shown} -> {}\n", one.source_file);
            return report::print(&staged.iter().map(line).collect::<String>());
        }
        for one in loader.put(&[path.to_path_buf()], TIMEOUT, on_row).await? {
            report::print(&format!(
                "{shown} -> {}: {} rows = {} history + {} duplicates + {} rejects\n",
                one.source_file,
                one.counts.rows_in,
                one.counts.history,
                one.counts.duplicates,
                one.counts.rejects
            ))?;
        }
        Ok(())
    }
}

/// What a single look comes to.
fn all_taken(refused: u32) -> Result<()> {
    if refused == 0 {
        return Ok(());
    }
    let files = if refused == 1 {
        "file was"
    } else {
        "files were"
    };
    Err(Error::rejected(format!(
        "{refused} {files} refused, each with its reason above: mend or remove what was refused, then run this again"
    )))
}

/// Files that are not done, the oldest first.
fn new_files(folder: &Path, done: &HashSet<Seen>) -> Result<Vec<(PathBuf, Seen)>> {
    let place = || folder.display().to_string();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).context(place)? {
        let entry = entry.context(place)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // A file may be gone again between listing and looking.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        if name.starts_with('.') || name == MANIFEST || !metadata.is_file() {
            continue;
        }
        let modified = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .unwrap_or_default();
        let seen = Seen(format!(
            "{} {} {name:?}",
            modified.as_nanos(),
            metadata.len()
        ));
        if !done.contains(&seen) {
            files.push((modified, entry.path(), seen));
        }
    }
    files.sort();
    Ok(files
        .into_iter()
        .map(|(_, path, seen)| (path, seen))
        .collect())
}

impl PartialOrd for Seen {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Seen {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

struct Journal {
    done: HashSet<Seen>,
    file: File,
}

impl Journal {
    fn open(folder: &Path) -> Result<Self> {
        if !folder.is_dir() {
            return Err(Error::config(format!(
                "{} is no folder: name one, or put files with `firn put`",
                folder.display()
            )));
        }
        let path = folder.join(JOURNAL);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Error::from(error).context(path.display().to_string())),
        };
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)
            .context(|| path.display().to_string())?;
        // A line that was cut by a crash ends here, so that the next one is whole.
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n")?;
        }
        Ok(Self {
            done: text.lines().map(|line| Seen(line.to_owned())).collect(),
            file,
        })
    }

    fn note(&mut self, seen: Seen) -> Result<()> {
        self.file.write_all(format!("{}\n", seen.0).as_bytes())?;
        self.file.sync_data()?;
        self.done.insert(seen);
        Ok(())
    }
}
