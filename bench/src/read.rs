//! Compares CSV readers on one core, in rounds: Firn validates every value, the others only split the fields.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use firn::contract::Contract;
use firn::generator::{Generator, Options};
use firn::reader::{Piece, Reader};

use crate::child::Child;
use crate::machine;
use crate::peer::{Failure, Peer, Run, medians};
use crate::table;

#[derive(clap::Args)]
pub struct Arguments {
    /// Number of rounds; the tables show the median
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Size of the file in MB
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    megabytes: u64,
    /// Run only programs whose name contains this, and `csv`
    #[arg(long)]
    only: Option<String>,
    /// Write the tables into docs/benchmarks.md instead of printing them
    #[arg(long)]
    write_readme: bool,
    /// Folder for temporary files
    #[arg(long, value_name = "FOLDER", default_value = "target")]
    folder: PathBuf,
}

const BUFFER_BYTES: usize = 256 << 10;
const UNIT: &str = "csv";

/// Runs the readers on a plain file and on a file with all fields quoted, and prints their tables.
///
/// # Errors
/// A file cannot be written, the crate `csv` fails, or docs/benchmarks.md lacks the markers.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("the crate has no parent folder")?;
    // Deleted with its files when it is dropped.
    let folder = tempfile::tempdir_in(root.join(&arguments.folder))?;
    if let Some(warning) = machine::warning() {
        eprintln!("{warning}");
    }
    let mut text = format!(
        "A file of customer events, {} MB, read on one core; median of {} interleaved rounds. {}.",
        arguments.megabytes,
        arguments.rounds,
        machine::description()
    );
    for is_quoted in [false, true] {
        let path = folder.path().join("customers.csv");
        write_file(&path, arguments.megabytes * 1_000_000, is_quoted)?;
        let mut contenders = contenders(root, &path);
        if let Some(part) = &arguments.only {
            contenders.retain(|peer| peer.name() == UNIT || peer.name().contains(part.as_str()));
        }
        let medians = medians(&contenders, arguments.rounds);
        let unit = medians
            .iter()
            .find(|(name, _)| name == UNIT)
            .map(|(_, run)| run.clone())
            .ok_or("the crate `csv`, the unit of the table, failed: see above")?;
        let medians: Vec<_> = medians.into_iter().map(|(_, run)| run).collect();
        let caption = if is_quoted {
            "\n\nAll fields quoted:"
        } else {
            "\n\nQuotes only where required:"
        };
        text += table::render(&medians, &unit, "`csv`", caption).trim_end();
    }
    if arguments.write_readme {
        table::put_between_markers(&root.join("docs/benchmarks.md"), "read", &text)
    } else {
        println!("{text}");
        Ok(())
    }
}

/// Writes a stream of changes with a header.
fn write_file(path: &Path, bytes: u64, is_quoted: bool) -> Result<(), Failure> {
    let options = Options {
        updates: 0.3,
        deletes: 0.05,
        rows_per_file: u64::MAX,
        ..Options::default()
    };
    let mut generator = Generator::new(options)?;
    let mut file = BufWriter::with_capacity(BUFFER_BYTES, File::create(path)?);
    let mut written = 0;
    while written < bytes {
        let piece = generator.next_piece().ok_or("the unlimited stream ended")?;
        let quoted = is_quoted.then(|| quoted(piece.bytes)).transpose()?;
        let rows = quoted.as_deref().unwrap_or(piece.bytes);
        file.write_all(rows)?;
        written += rows.len() as u64;
    }
    file.flush()?;
    Ok(())
}

fn quoted(rows: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut writer = csv::WriterBuilder::new()
        .quote_style(csv::QuoteStyle::Always)
        .from_writer(Vec::new());
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(rows);
    for record in reader.byte_records() {
        writer.write_byte_record(&record?)?;
    }
    Ok(writer.into_inner().map_err(|error| error.to_string())?)
}

/// All readers. Those that cannot run on this machine are reported on standard error, with a fix.
fn contenders(root: &Path, path: &Path) -> Vec<Box<dyn Peer>> {
    let kinds = [
        (UNIT, Kind::Csv),
        ("simd-csv", Kind::SimdCsv),
        ("firn", Kind::Firn),
        ("read", Kind::ReadOnly),
    ];
    let mut contenders: Vec<Box<dyn Peer>> = Vec::new();
    for (name, kind) in kinds {
        contenders.push(Box::new(InProcess {
            name,
            kind,
            path: path.to_owned(),
        }));
    }
    let file = path.to_string_lossy();
    match Child::java(root, "commons-csv", "CommonsCsvRead", &[&file]) {
        Ok(child) => contenders.push(Box::new(child)),
        Err(missing) => eprintln!("skipping commons-csv: {missing}"),
    }
    contenders
}

enum Kind {
    Csv,
    SimdCsv,
    Firn,
    ReadOnly,
}

struct InProcess {
    name: &'static str,
    kind: Kind,
    path: PathBuf,
}

impl Peer for InProcess {
    fn name(&self) -> &str {
        self.name
    }

    fn run(&self) -> Result<Run, Failure> {
        let bytes = fs::metadata(&self.path)?.len();
        let file = File::open(&self.path)?;
        let started = Instant::now();
        let (program, rows) = match self.kind {
            Kind::Csv => ("`csv`, splitting into a `ByteRecord`", split_csv(file)?),
            Kind::SimdCsv => (
                "`simd-csv`, splitting into a `ByteRecord`",
                split_simd(file)?,
            ),
            Kind::Firn => ("**Firn**, validating", validate(file)?),
            Kind::ReadOnly => ("only `read`", read_only(file)?),
        };
        Ok(Run {
            program: program.to_owned(),
            rows,
            bytes,
            seconds: started.elapsed().as_secs_f64(),
        })
    }
}

fn split_csv(file: File) -> Result<u64, Failure> {
    let mut reader = csv::ReaderBuilder::new()
        .buffer_capacity(BUFFER_BYTES)
        .from_reader(file);
    let mut record = csv::ByteRecord::new();
    let mut rows = 0;
    while reader.read_byte_record(&mut record)? {
        rows += 1;
    }
    Ok(rows)
}

fn split_simd(file: File) -> Result<u64, Failure> {
    let mut reader = simd_csv::ReaderBuilder::new()
        .buffer_capacity(BUFFER_BYTES)
        .from_reader(file);
    let mut record = simd_csv::ByteRecord::new();
    let mut rows = 0;
    while reader.read_byte_record(&mut record)? {
        rows += 1;
    }
    Ok(rows)
}

fn validate(file: File) -> Result<u64, Failure> {
    let contract = Contract::customer();
    let mut reader = Reader::new(&contract, file)?;
    let mut rows = 0;
    while let Some(piece) = reader.next()? {
        match piece {
            Piece::Rows { count, .. } => rows += count,
            Piece::Rejected(row) => return Err(format!("row {}: {}", row.row, row.reason).into()),
        }
    }
    Ok(rows)
}

/// Counts only the line ends, for the number of rows in the table.
fn read_only(mut file: File) -> Result<u64, Failure> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut rows = 0_u64;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(rows.saturating_sub(1));
        }
        rows += buffer[..read]
            .iter()
            .map(|&byte| u64::from(byte == b'\n'))
            .sum::<u64>();
    }
}
