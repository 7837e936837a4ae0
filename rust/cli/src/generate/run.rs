//! A job, from the first row to the summary.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use firn::Result;
use firn::generator::{FileId, Generator, Manifest, in_parallel};

use super::interrupt::Interrupt;
use super::job::{Job, Target};
use super::landing::{Checkpoint, Folder, Landing, Stdout, Stop, refuse_existing};
use super::part_file;
use super::progress::Progress;
use super::record::Record;
use super::state::{State, Unfinished};

/// Ended by Ctrl-C before its end, as shells write it.
const INTERRUPTED: u8 = 130;

/// Does the job.
pub fn run(job: &Job) -> Result<ExitCode> {
    let record = job.prepare()?;
    let interrupt = Interrupt::listen()?;
    let mut generator = job.generator()?;
    let mut landing = job.landing(&interrupt)?;
    let rows = job.until.map(|until| until - job.at.next_sequence);
    let mut progress = Progress::new(rows, job.quiet, job.target == Target::Stdout);

    let outcome = match job.every {
        None => as_fast_as_possible(job, &mut generator, &mut landing, &mut progress, &interrupt),
        Some(every) => paced(
            job,
            every,
            &mut generator,
            &mut landing,
            &mut progress,
            &interrupt,
        ),
    };
    match outcome.and_then(|()| landing.finish()) {
        Ok(()) => {}
        Err(Stop::ReaderGone) => return Ok(ExitCode::SUCCESS),
        Err(Stop::Failed(error)) => return Err(error),
        Err(Stop::Interrupted) => {
            drop(landing);
            tell(
                job,
                &format!(
                    "interrupted after {}; {}",
                    progress.summary(0, None),
                    job.how_to_go_on()
                ),
            );
            return Ok(ExitCode::from(INTERRUPTED));
        }
    }
    let manifest = record
        .map(|record| record.write(job.manifest(&mut generator), &interrupt))
        .transpose()?;
    job.save_state(&generator, &interrupt)?;
    let (files, bytes) = match &landing {
        Landing::Folder(folder) => (folder.files, Some(folder.bytes)),
        Landing::Stdout(_) => (0, None),
    };
    let mut summary = progress.summary(files, bytes);
    if let Some(manifest) = manifest {
        summary += &format!("; what a target must hold: {}", manifest.display());
    }
    tell(job, &summary);
    Ok(ExitCode::SUCCESS)
}

fn tell(job: &Job, line: &str) {
    if !job.quiet {
        eprintln!("{line}");
    }
}

fn as_fast_as_possible(
    job: &Job,
    generator: &mut Generator,
    landing: &mut Landing,
    progress: &mut Progress,
    interrupt: &Interrupt,
) -> Result<(), Stop> {
    in_parallel(generator, job.threads, |piece| {
        if interrupt.requested() {
            return Err(Stop::Interrupted);
        }
        landing.take(piece)?;
        progress.add(piece.rows, piece.bytes.len());
        Ok(())
    })
}

/// One file every so often, by the wall clock: after a pause (a slow disk, a sleeping machine) it catches up.
fn paced(
    job: &Job,
    every: Duration,
    generator: &mut Generator,
    landing: &mut Landing,
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
                landing.take(piece)?;
                progress.add(piece.rows, piece.bytes.len());
            }
            return Ok(());
        }
        while let Some(piece) = generator.next_piece() {
            landing.take(piece)?;
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
    /// Refuses what would overwrite, then makes the folder.
    fn prepare(&self) -> Result<Option<Record>> {
        if let Target::Folder(folder) = &self.target
            && !self.force
        {
            refuse_existing(folder, self.naming(), self.at, self.until, self.resumed)?;
        }
        let open = |path| Record::open(path, &self.options, self.from, self.until, self.force);
        let record = self.manifest_path.clone().map(open).transpose()?;
        if let Target::Folder(folder) = &self.target {
            part_file::make_folder(folder)?;
        }
        Ok(record)
    }

    /// The generator, where the job goes on.
    fn generator(&self) -> Result<Generator> {
        let mut generator = Generator::resume(self.options.clone(), self.from)?;
        if let Some(until) = self.until {
            generator.end_at(until)?;
        }
        generator.pass_to(self.at.next_sequence);
        Ok(generator)
    }

    fn landing(&self, interrupt: &Arc<Interrupt>) -> Result<Landing> {
        let Target::Folder(folder) = &self.target else {
            let stdout = Stdout::new(self.options.format, self.compression)?;
            return Ok(Landing::Stdout(Box::new(stdout)));
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
            // Also shows at once whether the state can be kept.
            checkpoint.state.save(&checkpoint.path, interrupt)?;
        }
        Ok(Landing::Folder(Box::new(Folder::new(
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

    fn how_to_go_on(&self) -> String {
        match (&self.target, &self.state_path) {
            (Target::Stdout, _) => "there is no manifest".to_owned(),
            (_, Some(state)) => {
                format!("go on with --state {} and without --rows", state.display())
            }
            (_, None) => {
                "the files are whole, but without a manifest: begin anew, or use --state next time"
                    .to_owned()
            }
        }
    }
}
