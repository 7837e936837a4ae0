//! The table function `sf_csv`: the rows of a file, split on as many threads as DuckDB gives.
//!
//! DuckDB calls it with a number that [`Scan::register`] has given out, since all that reaches a table function is SQL values.

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use duckdb::Connection;
use duckdb::core::{DataChunkHandle, FlatVector, Inserter, LogicalTypeHandle, LogicalTypeId};
use duckdb::vtab::{BindInfo, InitInfo, TableFunctionInfo, VTab};

use super::pieces::{Piece, Pieces, Skip};
use super::split::{Peculiar, Record, Splitter};
use crate::types::error::{Result as EngineResult, SnowflakeError};

/// The function's name.
pub const FUNCTION: &str = "sf_csv";
/// The column that tells the number of a row.
pub const ROW: &str = "_row";

type Open = dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync;

/// Makes the function known to a database.
///
/// # Errors
/// If DuckDB refuses.
pub(crate) fn register(connection: &Connection) -> EngineResult<()> {
    connection
        .register_table_function::<Csv>(FUNCTION)
        .map_err(SnowflakeError::internal)
}

/// A file to be read.
pub struct Scan {
    pub splitter: Splitter,
    pub skip: Skip,
    /// Columns of a row.
    pub width: usize,
    /// Every record must have as many fields.
    pub expected: Option<usize>,
    pub open: Box<Open>,
    /// Records read so far.
    pub parsed: AtomicU64,
}

/// Makes a scan known, until it is dropped.
pub struct Registered {
    token: u64,
    pub scan: Arc<Scan>,
}

// Process-wide, for want of another way into a table function; tokens tell engines apart.
static SCANS: LazyLock<Mutex<HashMap<u64, Arc<Scan>>>> = LazyLock::new(Mutex::default);
static NEXT_TOKEN: AtomicU64 = AtomicU64::new(1);

fn scans() -> MutexGuard<'static, HashMap<u64, Arc<Scan>>> {
    SCANS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Scan {
    pub fn register(self) -> Registered {
        let token = NEXT_TOKEN.fetch_add(1, Ordering::Relaxed);
        let scan = Arc::new(self);
        scans().insert(token, Arc::clone(&scan));
        Registered { token, scan }
    }
}

impl Registered {
    /// The call, for FROM.
    pub fn call(&self) -> String {
        format!("{FUNCTION}({}::ubigint)", self.token)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        scans().remove(&self.token);
    }
}

/// The table function.
pub struct Csv;

/// What the threads of one call share.
pub struct Progress {
    /// What to give: columns from 0, or the number of the row.
    wanted: Vec<Wanted>,
    /// None before the first call.
    pieces: Mutex<Option<Pieces>>,
    /// Pieces that nobody reads just now.
    waiting: Mutex<Vec<Piece>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    Column(usize),
    Row,
}

impl VTab for Csv {
    type BindData = Arc<Scan>;
    type InitData = Progress;

    fn bind(bind: &BindInfo) -> Result<Arc<Scan>, Box<dyn Error>> {
        let token = bind.get_parameter(0).to_uint64();
        let scan = scans().get(&token).cloned();
        let scan = scan.ok_or_else(|| format!("{FUNCTION} knows no file {token}"))?;
        let text = || LogicalTypeHandle::from(LogicalTypeId::Varchar);
        bind.add_result_column(ROW, text());
        for column in 1..=scan.width {
            bind.add_result_column(&format!("${column}"), text());
        }
        Ok(scan)
    }

    fn init(init: &InitInfo) -> Result<Progress, Box<dyn Error>> {
        let wanted = |index: u64| match usize::try_from(index) {
            Ok(0) => Wanted::Row,
            Ok(column) => Wanted::Column(column - 1),
            Err(_) => Wanted::Column(usize::MAX),
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        init.set_max_threads(threads as u64);
        Ok(Progress {
            wanted: init.get_column_indices().into_iter().map(wanted).collect(),
            pieces: Mutex::default(),
            waiting: Mutex::default(),
        })
    }

    fn func(
        info: &TableFunctionInfo<Self>,
        output: &mut DataChunkHandle,
    ) -> Result<(), Box<dyn Error>> {
        let (scan, progress) = (info.get_bind_data(), info.get_init_data());
        let mut rows = 0;
        while rows == 0 {
            let Some(mut piece) = progress.next_piece(scan)? else {
                break;
            };
            rows = progress.read(scan, &mut piece, output)?;
            if piece.at < piece.bytes.len() {
                lock(&progress.waiting).push(piece);
            }
        }
        scan.parsed.fetch_add(rows as u64, Ordering::Relaxed);
        output.set_len(rows);
        Ok(())
    }

    fn supports_pushdown() -> bool {
        true
    }

    fn parameters() -> Option<Vec<LogicalTypeHandle>> {
        Some(vec![LogicalTypeHandle::from(LogicalTypeId::UBigint)])
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Progress {
    /// One that waits, or a new one.
    fn next_piece(&self, scan: &Scan) -> Result<Option<Piece>, Box<dyn Error>> {
        if let Some(piece) = lock(&self.waiting).pop() {
            return Ok(Some(piece));
        }
        let piece = {
            let mut pieces = lock(&self.pieces);
            if pieces.is_none() {
                *pieces = Some(Pieces::new((scan.open)()?, scan.skip));
            }
            match pieces.as_mut() {
                Some(pieces) => pieces.next(&scan.splitter)?,
                None => None,
            }
        };
        let is_text = |piece: &Piece| std::str::from_utf8(&piece.bytes).is_ok();
        if piece.as_ref().is_some_and(|piece| !is_text(piece)) {
            return Err(Peculiar("bytes that are not UTF-8").into());
        }
        Ok(piece)
    }

    /// Reads as many rows of the piece as DuckDB takes at a time.
    fn read(
        &self,
        scan: &Scan,
        piece: &mut Piece,
        output: &DataChunkHandle,
    ) -> Result<usize, Peculiar> {
        let mut vectors: Vec<FlatVector<'_>> = (0..self.wanted.len())
            .map(|at| output.flat_vector(at))
            .collect();
        let most = vectors.first().map_or(1, FlatVector::capacity);
        let mut record = Record::default();
        let mut row = 0;
        while row < most
            && scan
                .splitter
                .next(&piece.bytes, &mut piece.at, piece.is_last, &mut record)?
        {
            if scan.expected.is_some_and(|n| n != record.fields.len()) {
                return Err(Peculiar("another number of fields"));
            }
            for (vector, wanted) in vectors.iter_mut().zip(&self.wanted) {
                match *wanted {
                    Wanted::Row => vector.insert(row, piece.row.to_string().as_str()),
                    Wanted::Column(column) => match record.text(&piece.bytes, column) {
                        Some(text) => vector.insert(row, text),
                        None => vector.set_null(row),
                    },
                }
            }
            piece.row += 1;
            row += 1;
        }
        let is_read = piece.at >= piece.bytes.len();
        if is_read && self.wanted.contains(&Wanted::Row) && piece.row != piece.next_row {
            return Err(Peculiar("line ends that end no row"));
        }
        Ok(row)
    }
}
