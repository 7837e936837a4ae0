//! `firn watch`: loads a folder's new files, each once, also across restarts.

mod folder;
mod journal;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use firn::pipeline::{Deadline, LoadListener, LoadMode, Loaded, Loader};
use firn::reader::RejectedRow;
use firn::{Context, Error, Fault, Result};

use super::deployment::{DeploymentArgs, StageArgs};
use super::reject_report::{RejectArgs, RejectReport, Rejects};
use super::report;
use folder::{Folder, FolderArgs, Found, Identity};
use journal::Journal;

/// The interval between scans; a slow scan is followed by a pause of four times its duration.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The timeout for the rows of a file; then the load is retried.
const TIMEOUT: Duration = Duration::from_secs(300);
/// Files that are loaded and merged together.
const MAX_FILES_PER_LOAD: usize = 16;
/// Pauses after failures that the file did not cause: exponential backoff until a file loads.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

const EXAMPLES: &str = "\
Examples:
  firn watch inbox
  firn watch inbox --pattern '*.csv' --recursive --move-done done --move-failed failed
  firn watch inbox --no-merge --stage-url s3://my-bucket/
  firn watch inbox --once";

/// Load every new file of a folder once, until Ctrl-C
///
/// A file is loaded once its size and time have not changed for `--settle`, or five times as long if its last row has no line end.
/// Left alone are names that begin with a dot or `~`, names that end in .part, .partial, .tmp, .temp, .filepart, .crdownload,
/// ._COPYING_, .swp, .done, .ok, .crc, .lock or `~`, and `_SUCCESS`, `Thumbs.db`, `desktop.ini` and the `manifest.json` of `firn generate`;
/// symbolic links and subfolders unless asked for; pipes and devices.
/// Finished files stay where they are and are noted in `.firn-watch`, so that a restart does not load them again.
/// A file fails only for faults of its own; after any other failure it is loaded later.
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
    #[command(flatten)]
    files: FolderArgs,
    /// Move files here once they are loaded
    #[arg(long, value_name = "DIR")]
    move_done: Option<PathBuf>,
    /// Move files here that fail
    #[arg(long, value_name = "DIR")]
    move_failed: Option<PathBuf>,
    /// Load the files that are there, then exit
    #[arg(long)]
    once: bool,
    /// Leave merging to the task
    #[arg(long)]
    no_merge: bool,
    #[command(flatten)]
    rejects: RejectArgs,
}

impl Watch {
    /// Runs the command.
    pub async fn run(self) -> Result<()> {
        let loader = self.deployment.loader(&self.stage).await?;
        for target in [&self.move_done, &self.move_failed].into_iter().flatten() {
            std::fs::create_dir_all(target).context(|| target.display().to_string())?;
        }
        let journal = Journal::open(&self.folder)?;
        let skipped = [self.move_done.as_deref(), self.move_failed.as_deref()];
        let folder = Folder::new(&self.folder, self.files, &skipped);
        let watcher = Watcher {
            loader,
            folder,
            journal,
            mode: if self.no_merge {
                LoadMode::Snowpipe
            } else {
                LoadMode::CopyAndMerge
            },
            move_done: self.move_done,
            move_failed: self.move_failed,
            once: self.once,
            reject_args: self.rejects,
            rejects: Rejects::default(),
            failed: HashMap::new(),
            pause: FIRST_PAUSE,
        };
        watcher.run().await
    }
}

/// A running watch.
struct Watcher {
    loader: Loader,
    folder: Folder,
    journal: Journal,
    mode: LoadMode,
    move_done: Option<PathBuf>,
    move_failed: Option<PathBuf>,
    once: bool,
    reject_args: RejectArgs,
    rejects: Rejects,
    /// Files that failed. They are retried after they are replaced, or after a restart.
    failed: HashMap<String, Identity>,
    pause: Duration,
}

impl Watcher {
    async fn run(mut self) -> Result<()> {
        let mut is_first = true;
        loop {
            let looked_at = Instant::now();
            let mut look = self.folder.look()?;
            if std::mem::take(&mut is_first) {
                report_left_alone(look.links, look.subfolders);
            }
            look.files.retain(|found| {
                !self.journal.has(found) && self.failed.get(&found.key) != Some(&found.identity)
            });
            let (mut complete, waiting) = self.folder.complete(look.files);
            let rest = LOOK_EVERY.max(looked_at.elapsed() * 4);
            complete.retain(|found| !self.journal.has_content(found));
            for files in complete.chunks(MAX_FILES_PER_LOAD) {
                self.load(files).await?;
            }
            if self.once && waiting == 0 {
                self.all_loaded()?;
                return self.rejects.within(&self.reject_args);
            }
            tokio::time::sleep(rest).await;
        }
    }

    /// Loads some files together.
    async fn load(&mut self, files: &[Found]) -> Result<()> {
        let paths: Vec<PathBuf> = files.iter().map(|found| found.path.clone()).collect();
        let report = RejectReport::of(&paths, &self.reject_args);
        let listener = Arc::new(Listener(report));
        let deadline = Deadline::AfterUpload(TIMEOUT);
        let heard = Arc::clone(&listener) as Arc<dyn LoadListener>;
        let outcomes = self.loader.load(&paths, self.mode, deadline, heard).await;
        let mut errors = Vec::new();
        for (number, (found, outcome)) in files.iter().zip(outcomes).enumerate() {
            listener.file_uploaded(number);
            match outcome {
                Ok(loaded) => self.loaded(found, &loaded)?,
                // Moved or deleted since the folder was listed.
                Err(_) if !found.path.exists() => {}
                Err(error) if error.fault() == Fault::File && error.is_transient() => {
                    log::warn!("{error}; it is loaded once it has settled");
                }
                Err(error) if error.fault() == Fault::File => self.has_failed(found, &error)?,
                Err(error) => errors.push(error),
            }
        }
        self.wait_after(errors).await
    }

    fn loaded(&mut self, found: &Found, loaded: &Loaded) -> Result<()> {
        self.pause = FIRST_PAUSE;
        self.rejects.add(loaded);
        report::print(&lines(&found.path, loaded))?;
        if let Some(target) = &self.move_done
            && self.moved(found, target)
        {
            return Ok(());
        }
        let content_hash = loaded.objects.first().map(|one| one.content_hash.clone());
        self.journal
            .note(found.clone(), content_hash.unwrap_or_default())
    }

    /// Records a failed file, so that it does not stop the others.
    fn has_failed(&mut self, found: &Found, error: &Error) -> Result<()> {
        eprintln!("firn: {error}");
        if let Some(target) = &self.move_failed {
            self.moved(found, target);
        }
        self.failed.insert(found.key.clone(), found.identity);
        Ok(())
    }

    /// Moves a finished file, and the marker beside it; false, with a warning, if that fails.
    fn moved(&self, found: &Found, target: &Path) -> bool {
        let moved = move_file(&found.path, &target.join(&found.name));
        if let Err(error) = &moved {
            log::warn!(
                "{}: cannot be moved to {}: {error}",
                found.path.display(),
                target.display()
            );
        } else if let Some(marker) = self.folder.marker(found).filter(|marker| marker.exists()) {
            // A marker without its file is meaningless; the next file of this name has its own.
            let _ = std::fs::remove_file(marker);
        }
        moved.is_ok()
    }

    /// Reports failures that the files did not cause, and pauses. With `--once` they end the run.
    async fn wait_after(&mut self, errors: Vec<Error>) -> Result<()> {
        let Some(first) = errors.first() else {
            return Ok(());
        };
        if self.once || errors.iter().any(|error| error.fault() == Fault::Bug) {
            return report::all_but_worst(errors);
        }
        let others = match errors.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more files)"),
        };
        log::warn!(
            "{first}{others}; trying again in {} s",
            self.pause.as_secs()
        );
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }

    /// The outcome of a run with `--once`.
    fn all_loaded(&self) -> Result<()> {
        let count = self.failed.len();
        if count == 0 {
            return Ok(());
        }
        let files = if count == 1 { "file" } else { "files" };
        Err(Error::rejected(format!(
            "{count} {files} failed for the reasons above: correct or remove them, then run this again"
        )))
    }
}

/// Reports malformed rows.
struct Listener(RejectReport);

impl LoadListener for Listener {
    fn row_rejected(&self, file: usize, row: &RejectedRow) {
        self.0.add(file, row);
    }

    fn file_uploaded(&self, file: usize) {
        for line in self.0.take(file) {
            eprintln!("{line}");
        }
    }
}

/// The report of a file, one line for each of its objects.
fn lines(path: &Path, loaded: &Loaded) -> String {
    let shown = path.display();
    if loaded.reports.is_empty() {
        let line = |one: &firn::pipeline::StagedFile| format!("{shown} -> {}\n", one.source_file);
        return loaded.objects.iter().map(line).collect();
    }
    let line = |one: &firn::pipeline::FileReport| {
        format!(
            "{shown} -> {}: {} rows = {} history + {} duplicates + {} rejects\n",
            one.source_file,
            one.counts.rows_in,
            one.counts.history,
            one.counts.duplicates,
            one.counts.rejects
        )
    };
    loaded.reports.iter().map(line).collect()
}

/// Reports once what the options exclude, so that it is not ignored silently.
fn report_left_alone(links: usize, subfolders: usize) {
    if links > 0 {
        eprintln!("firn: {links} symbolic links are left alone: pass --follow-links to load them");
    }
    if subfolders > 0 {
        eprintln!("firn: {subfolders} subfolders are left alone: pass --recursive to watch them");
    }
}

/// Moves a file under its own name, or with a number appended if that name exists; also to another file system.
fn move_file(from: &Path, to: &Path) -> std::io::Result<()> {
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let numbered = |number: u32| {
        let mut name = to.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    };
    let mut free = to.to_owned();
    let mut number = 0;
    while std::fs::symlink_metadata(&free).is_ok() {
        number += 1;
        free = numbered(number);
    }
    match std::fs::rename(from, &free) {
        Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => {
            std::fs::copy(from, &free)?;
            std::fs::remove_file(from)
        }
        other => other,
    }
}
