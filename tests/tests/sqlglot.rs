//! Compares the dialect with another translator: runs each statement of `sqlglot/corpus.sql` in Snowglobe, and through Python's sqlglot in a DuckDB.
//!
//! The results must be equal, unless the corpus has a reason. `make target/sqlglot-venv/ready` installs the pinned sqlglot.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what surrounds a test fails as the test does"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use snowglobe::engine::{
    Binds, Engine, EngineOptions, Login, Session, SnowflakeType, Value as Cell,
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A statement, and Snowglobe's result with the reason, if it differs.
struct Case {
    sql: String,
    differs: Option<String>,
}

fn corpus() -> Vec<Case> {
    let text = std::fs::read_to_string(root().join("tests/sqlglot/corpus.sql"))
        .expect("the corpus is read");
    let mut differs = None;
    let mut cases = Vec::new();
    for line in text.lines() {
        if let Some(note) = line.strip_prefix("-- differs ") {
            let (answer, reason) = note.split_once(": ").expect("an answer and a reason");
            assert!(!reason.is_empty(), "{line}");
            differs = Some(answer.to_owned());
        } else if let Some(sql) = line.strip_suffix(';') {
            cases.push(Case {
                sql: sql.to_owned(),
                differs: differs.take(),
            });
        }
    }
    cases
}

fn translated(cases: &[Case]) -> Vec<Option<String>> {
    let python = root().join("target/sqlglot-venv/bin/python");
    let mut child = Command::new(&python)
        .arg(root().join("tests/sqlglot/transpile.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| {
            panic!(
                "{}: {e}: run `make target/sqlglot-venv/ready`",
                python.display()
            )
        });
    let statements: Vec<&str> = cases.iter().map(|case| case.sql.as_str()).collect();
    let input = serde_json::to_vec(&statements).expect("JSON");
    let mut stdin = child.stdin.take().expect("its input");
    stdin.write_all(&input).expect("it listens");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "transpile.py failed");
    serde_json::from_slice(&output.stdout).expect("a list")
}

/// Normalizes texts with the same meaning: trailing zeros of a fraction, blanks in JSON, the last digits of doubles.
fn plain(text: &str) -> String {
    if let Ok(serde_json::Value::Array(_) | serde_json::Value::Object(_)) =
        serde_json::from_str::<serde_json::Value>(text)
    {
        return serde_json::from_str::<serde_json::Value>(text)
            .expect("it has just been read")
            .to_string();
    }
    if let Ok(number) = text.parse::<f64>() {
        return format!("{:.6}", number + 0.0);
    }
    text.to_owned()
}

fn cell(value: &Cell, kind: &SnowflakeType) -> String {
    let at = |micros: i64, form: &str| {
        let at = jiff::Timestamp::from_microsecond(micros).expect("a time");
        let text = at
            .to_zoned_datetime(jiff::tz::TimeZone::UTC)
            .strftime(form)
            .to_string();
        match text.split_once('.') {
            Some((whole, part)) => format!("{whole}.{}", part.trim_end_matches('0'))
                .trim_end_matches('.')
                .to_owned(),
            None => text,
        }
    };
    match value {
        Cell::Null => "NULL".to_owned(),
        Cell::Boolean(yes) => yes.to_string(),
        Cell::Number(digits) => match kind {
            SnowflakeType::Number { scale, .. } if *scale > 0 => {
                let scale = usize::from(*scale);
                let text = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
                let (whole, part) = text.split_at(text.len() - scale);
                format!("{}{whole}.{part}", if *digits < 0 { "-" } else { "" })
            }
            _ => digits.to_string(),
        },
        Cell::Float(number) => number.to_string(),
        Cell::Text(text) | Cell::Json(text) => text.clone(),
        Cell::Binary(bytes) => bytes.iter().map(|b| format!("\\x{b:02X}")).collect(),
        Cell::Date(days) => at(i64::from(*days) * 86_400_000_000, "%Y-%m-%d"),
        Cell::Time(micros) => at(*micros, "%H:%M:%S%.6f"),
        Cell::TimestampNtz(micros) => at(*micros, "%Y-%m-%d %H:%M:%S%.6f"),
        Cell::TimestampLtz(micros) | Cell::TimestampTz { micros, .. } => {
            at(*micros, "%Y-%m-%d %H:%M:%S%.6f+00")
        }
    }
}

fn joined(rows: Vec<Vec<String>>) -> String {
    rows.iter()
        .map(|row| row.iter().map(|c| plain(c)).collect::<Vec<_>>().join(" | "))
        .collect::<Vec<_>>()
        .join(" / ")
}

fn snowglobe(session: &mut Session, sql: &str) -> Result<String, String> {
    let result = session
        .execute(sql, &Binds::default())
        .map_err(|e| e.to_string().replace('\n', " "))?;
    let row = |row: &Vec<Cell>| {
        row.iter()
            .zip(&result.columns)
            .map(|(value, column)| cell(value, &column.kind))
            .collect()
    };
    Ok(joined(result.rows.iter().map(row).collect()))
}

fn duckdb(connection: &duckdb::Connection, sql: &str) -> Result<String, String> {
    let error = |e: duckdb::Error| e.to_string().replace('\n', " ");
    let sql = format!("select cast(columns(*) as varchar) from ({sql})");
    let mut statement = connection.prepare(&sql).map_err(error)?;
    let mut rows = statement.query([]).map_err(error)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(error)? {
        let cells = (0..row.as_ref().column_count()).map(|at| {
            let text: Option<String> = row.get(at).map_err(error)?;
            Ok(text.unwrap_or_else(|| "NULL".to_owned()))
        });
        found.push(cells.collect::<Result<_, String>>()?);
    }
    Ok(joined(found))
}

#[test]
fn snowglobe_gives_the_results_of_sqlglot_and_duckdb_or_the_corpus_has_a_reason() {
    let cases = corpus();
    let engine = Engine::open(EngineOptions::default()).expect("an engine opens");
    let login = Login {
        user: "SNOWGLOBE".to_owned(),
        ..Login::default()
    };
    let mut session = engine.session(login).expect("a session opens");
    session.set_parameter("TIMEZONE", "UTC").expect("UTC");
    let connection = duckdb::Connection::open_in_memory().expect("DuckDB opens");
    connection
        .execute_batch("set timezone = 'UTC'")
        .expect("UTC");
    let mut wrong = Vec::new();
    for (case, translation) in cases.iter().zip(translated(&cases)) {
        let ours = snowglobe(&mut session, &case.sql).unwrap_or_else(|e| format!("error {e}"));
        let theirs = match &translation {
            Some(sql) => duckdb(&connection, sql).unwrap_or_else(|e| format!("error {e}")),
            None => "error not translated".to_owned(),
        };
        let is_right = match &case.differs {
            // Only the code of an error is compared.
            Some(answer) if answer.starts_with("error ") => ours.starts_with(answer),
            Some(answer) => ours == *answer && theirs != *answer,
            None => ours == theirs,
        };
        if !is_right {
            wrong.push(format!(
                "{}\n  snowglobe: {ours}\n  sqlglot:   {theirs}\n  by:        {}",
                case.sql,
                translation.as_deref().unwrap_or("")
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}
