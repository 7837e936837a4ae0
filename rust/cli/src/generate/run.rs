//! Runs a job, from the first row to the summary.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use firn::Result;
use firn::generator::{FileId, Generator, Manifest, in_parallel};

use super::interrupt::Interrupt;
use super::job::{Job, Target};
use super::manifest_file::ManifestFile;
use super::output::{Checkpoint, Folder, Output, Stdout, Stop, refuse_existing};
use super::part_file;
use super::progress::Progress;
use super::state::{State, Unfinished};

/// The exit code of a run that Ctrl-C ended, as in shells.
const INTERRUPTED: u8 = 130;

/// Runs the job.
pub fn run(job: &Job) -> Result<ExitCode> {
    let manifest = job.prepare()?;
    let interrupt = Interrupt::listen()?;
    let mut generator = job.generator()?;
    let mut output = job.output(&interrupt)?;
    let rows = job.until.map(|until| until - job.at.next_sequence);
    let mut progress = Progress::new(rows, job.quiet, job.target == Target::Stdout);

    let outcome = match job.every {
        None => as_fast_as_possible(job, &mut generator, &mut output, &mut progress, &interrupt),
        Some(every) => paced(
            job,
            every,
            &mut generator,
            &mut output,
            &mut progress,
            &interrupt,
        ),
    };
    match outcome.and_then(|()| output.finish()) {
        Ok(()) => {}
        Err(Stop::ReaderGone) => return Ok(ExitCode::SUCCESS),
        Err(Stop::Failed(error)) => return Err(error),
        Err(Stop::Interrupted) => {
            drop(output);
            report(
                job,
                &format!(
                    "interrupted after {}; {}",
                    progress.summary(0, None),
                    job.how_to_resume()
                ),
            );
            return Ok(ExitCode::from(INTERRUPTED));
        }
    }
    let manifest = manifest
        .map(|file| file.write(job.manifest(&mut generator), &interrupt))
        .transpose()?;
    job.save_state(&generator, &interrupt)?;
    let (files, bytes) = match &output {
        Output::Folder(folder) => (folder.files, Some(folder.bytes)),
        Output::Stdout(_) => (0, None),
    };
    let mut summary = progress.summary(files, bytes);
    if let Some(manifest) = manifest {
        summary += &format!("; manifest: {}", manifest.display());
    }
    report(job, &summary);
    Ok(ExitCode::SUCCESS)
}

fn report(job: &Job, line: &str) {
    if !job.quiet {
        eprintln!("{line}");
    }
}

fn as_fast_as_possible(
    job: &Job,
    generator: &mut Generator,
    output: &mut Output,
    progress: &mut Progress,
    interrupt: &Interrupt,
) -> Result<(), Stop> {
    in_parallel(generator, job.threads, |piece| {
        if interrupt.requested() {
            return Err(Stop::Interrupted);
        }
        output.take(piece)?;
        progress.add(piece.rows, piece.bytes.len());
        Ok(())
    })
}

/// One file per period of the wall clock; after a pause (a slow disk, a sleeping machine) it catches up.
fn paced(
    job: &Job,
    every: Duration,
    generator: &mut Generator,
    output: &mut Output,
    progress: &mut Progress,
    interrupt: &Interrupt,
) -> Result<(), Stop> {
    let mut due = Instant::now();
    while job
        .until
        .is_none_or(|until| generator.position().next_sequence < until)
    {
        interrupt.wait_until(due);
        if interrupt.requested() {
            while let Some(piece) = generator.flush() {
                output.take(piece)?;
                progress.add(piece.rows, piece.bytes.len());
            }
            return Ok(());
        }
        while let Some(piece) = generator.next_piece() {
            output.take(piece)?;
            progress.add(piece.rows, piece.bytes.len());
            if piece.closes {
                break;
            }
        }
        due += every;
    }
    Ok(())
}

impl Job {
    /// Checks that no file would be overwritten, then creates the folder.
    fn prepare(&self) -> Result<Option<ManifestFile>> {
        if let Target::Folder(folder) = &self.target
            && !self.force
        {
            refuse_existing(folder, self.naming(), self.at, self.until, self.resumed)?;
        }
        let open =
            |path| ManifestFile::open(path, &self.options, self.from, self.until, self.force);
        let manifest = self.manifest_path.clone().map(open).transpose()?;
        if let Target::Folder(folder) = &self.target {
            part_file::create_folder(folder)?;
        }
        Ok(manifest)
    }

    /// The generator at the position where the job resumes.
    fn generator(&self) -> Result<Generator> {
        let mut generator = Generator::resume(self.options.clone(), self.from)?;
        if let Some(until) = self.until {
            generator.end_at(until)?;
        }
        generator.pass_to(self.at.next_sequence);
        Ok(generator)
    }

    fn output(&self, interrupt: &Arc<Interrupt>) -> Result<Output> {
        let Target::Folder(folder) = &self.target else {
            let stdout = Stdout::new(self.options.format, self.compression)?;
            return Ok(Output::Stdout(Box::new(stdout)));
        };
        let checkpoint = self.state_path.clone().map(|path| {
            let unfinished = Some(Unfinished {
                from: self.from,
                until: self.until,
            });
            let state = State {
                options: self.options.clone(),
                compress: self.compression,
                position: self.at,
                unfinished,
            };
            Checkpoint {
                path,
                state,
                until: self.until,
            }
        });
        if let Some(checkpoint) = &checkpoint {
            // Also checks at once that the state can be written.
            checkpoint.state.save(&checkpoint.path, interrupt)?;
        }
        Ok(Output::Folder(Box::new(Folder::new(
            folder.clone(),
            self.naming(),
            checkpoint,
            Arc::clone(interrupt),
        ))))
    }

    fn manifest(&self, generator: &mut Generator) -> Manifest {
        let expected = generator.final_state(self.threads);
        let mut delivered = generator.take_tally();
        if matches!(self.target, Target::Folder(_)) {
            for file in &mut delivered.files {
                let id = FileId {
                    first_sequence: file.first_sequence,
                    only_late: file.only_late,
                };
                file.name = Some(self.naming().name(id));
            }
        }
        Manifest {
            options: self.options.clone(),
            from: self.from,
            to: generator.position(),
            delivered,
            expected,
        }
    }

    fn save_state(&self, generator: &Generator, interrupt: &Arc<Interrupt>) -> Result<()> {
        let Some(path) = &self.state_path else {
            return Ok(());
        };
        let state = State {
            options: self.options.clone(),
            compress: self.compression,
            position: generator.position(),
            unfinished: None,
        };
        state.save(path, interrupt)
    }

    fn how_to_resume(&self) -> String {
        match (&self.target, &self.state_path) {
            (Target::Stdout, _) => "no manifest was written".to_owned(),
            (_, Some(state)) => {
                format!("to resume, run again with --state {} and no --rows", state.display())
            }
            (_, None) => {
                "the files are complete, but there is no manifest: start again, or use --state next time"
                    .to_owned()
            }
        }
    }
}
