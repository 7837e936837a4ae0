//! Runs the stories in `specs/snowglobe` against the engine, each on an account of its own.
//!
//! Besides SQL, a story has the commands `!file s3://bucket/key` with the content below it (`gzip` or `zstd` after the key compresses it; with `hex` the content
//! is bytes), `!advance SECONDS`, `!strict-trust` and `!trust ROLE USER EXTERNAL_ID` for the trust policies of AWS roles, and `!wait VALUE query`,
//! which repeats the query until its first value is `VALUE`. `connection NAME` opens a session of its own.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what surrounds a test fails as the test does"
)]

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use snowglobe::engine::{
    Binds, Clock, Engine, EngineOptions, Login, MemoryStore, ObjectStore, QueryResult, Session,
    SnowflakeError, SnowflakeType, TrustPolicy, Value,
};
use sqllogictest::{DBOutput, DefaultColumnType, Runner};

/// The timeout of a wait: long enough for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

struct Account {
    engine: Engine,
    store: Arc<MemoryStore>,
}

struct Connection {
    account: Arc<Account>,
    session: Session,
}

#[derive(Debug)]
struct Failure(SnowflakeError);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // On one line, as an expected error in a story is one line.
        write!(f, "{}", self.0.to_string().replace('\n', " "))
    }
}

impl std::error::Error for Failure {}

impl Account {
    fn new() -> Arc<Self> {
        let clock = Clock::system();
        let store = Arc::new(MemoryStore::with_clock(clock.clone()));
        let options = EngineOptions {
            clock,
            object_store: Arc::clone(&store) as Arc<dyn ObjectStore>,
            ..EngineOptions::default()
        };
        Arc::new(Self {
            engine: Engine::open(options).expect("an account opens"),
            store,
        })
    }

    fn connect(self: &Arc<Self>) -> Connection {
        let login = Login {
            user: "SNOWGLOBE".to_owned(),
            ..Login::default()
        };
        let mut session = self.engine.session(login).expect("a session opens");
        session
            .set_parameter("TIMEZONE", "UTC")
            .expect("UTC is a time zone");
        Connection {
            account: Arc::clone(self),
            session,
        }
    }
}

impl Connection {
    fn command(&mut self, text: &str) -> Result<QueryResult, SnowflakeError> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            "!file" => {
                let (head, content) = rest.split_once('\n').unwrap_or((rest, ""));
                let (address, form) = head.trim().split_once(' ').unwrap_or((head, ""));
                let (bucket, key) = address
                    .trim()
                    .trim_start_matches("s3://")
                    .split_once('/')
                    .expect("an address has a bucket");
                let meta = self
                    .account
                    .store
                    .put(bucket, key, &packed(content, form))
                    .expect("the file is written");
                self.account
                    .engine
                    .notify_object_created(bucket, key, meta.size, &meta.etag);
            }
            "!advance" => self
                .account
                .engine
                .clock()
                .advance(Duration::from_secs(rest.trim().parse().expect("seconds"))),
            "!strict-trust" => self.account.engine.demand_trust(),
            "!trust" => {
                let words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
                let [role_arn, user_arn, external_id] =
                    words.try_into().expect("a role, a user and an external id");
                let policy = TrustPolicy {
                    role_arn,
                    user_arn,
                    external_id,
                };
                self.account.engine.trust(policy)?;
            }
            "!wait" => {
                let (wanted, query) = rest
                    .split_once(char::is_whitespace)
                    .expect("a value and a query");
                let deadline = Instant::now() + TIMEOUT;
                loop {
                    let result = self.session.execute(query, &Binds::default())?;
                    let found = result
                        .rows
                        .first()
                        .map(|row| shown(&row[0], &result.columns[0].kind));
                    if found.as_deref() == Some(wanted) {
                        break;
                    }
                    if Instant::now() >= deadline {
                        return Err(SnowflakeError {
                            code: "",
                            sqlstate: "",
                            message: format!("waited for {wanted}, found {found:?}"),
                        });
                    }
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
            other => panic!("no such command: {other}"),
        }
        Ok(QueryResult::default())
    }
}

impl sqllogictest::DB for Connection {
    type Error = Failure;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Failure> {
        let result = if sql.starts_with('!') {
            self.command(sql)
        } else {
            self.session.execute(sql, &Binds::default())
        };
        let result = result.map_err(Failure)?;
        if result.columns.is_empty() {
            return Ok(DBOutput::StatementComplete(0));
        }
        let types = vec![DefaultColumnType::Text; result.columns.len()];
        let cells = |row: &Vec<Value>| {
            row.iter()
                .zip(&result.columns)
                .map(|(v, c)| shown(v, &c.kind))
                .collect()
        };
        Ok(DBOutput::Rows {
            types,
            rows: result.rows.iter().map(cells).collect(),
        })
    }

    fn engine_name(&self) -> &str {
        "snowglobe"
    }
}

/// The bytes of a file with the content from a story.
fn packed(content: &str, form: &str) -> Vec<u8> {
    let text = format!("{content}\n").into_bytes();
    match form {
        "" => text,
        "gzip" => {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(&text).expect("it is packed");
            gzip.finish().expect("it is packed")
        }
        "zstd" => zstd::encode_all(text.as_slice(), 1).expect("it is packed"),
        "hex" => content
            .split_whitespace()
            .map(|byte| u8::from_str_radix(byte, 16).expect("two hexadecimal digits"))
            .collect(),
        other => panic!("no such form of a file: {other}"),
    }
}

fn shown(value: &Value, kind: &SnowflakeType) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Boolean(yes) => yes.to_string(),
        Value::Number(digits) => match kind {
            SnowflakeType::Number { scale, .. } if *scale > 0 => {
                let scale = usize::from(*scale);
                let text = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
                let (whole, part) = text.split_at(text.len() - scale);
                format!("{}{whole}.{part}", if *digits < 0 { "-" } else { "" })
            }
            _ => digits.to_string(),
        },
        Value::Float(number) => number.to_string(),
        Value::Text(text) if text.is_empty() => "(empty)".to_owned(),
        Value::Text(text) | Value::Json(text) => text.replace('\n', "\\n"),
        Value::Binary(bytes) => bytes.iter().map(|b| format!("{b:02X}")).collect(),
        Value::Date(days) => time(i64::from(*days) * 86_400_000_000, "%Y-%m-%d"),
        Value::Time(micros) => time(*micros, "%H:%M:%S%.6f"),
        Value::TimestampNtz(micros) => time(*micros, "%Y-%m-%d %H:%M:%S%.6f"),
        Value::TimestampLtz(micros) => time(*micros, "%Y-%m-%d %H:%M:%S%.6fZ"),
        Value::TimestampTz {
            micros,
            offset_minutes: minutes,
        } => {
            let sign = if *minutes < 0 { '-' } else { '+' };
            let local = micros + i64::from(*minutes) * 60_000_000;
            let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
            time(local, "%Y-%m-%d %H:%M:%S%.6f") + &format!("{sign}{hours:02}{rest:02}")
        }
    }
}

fn time(micros: i64, format: &str) -> String {
    let at = jiff::Timestamp::from_microsecond(micros).expect("a time");
    at.to_zoned_datetime(jiff::tz::TimeZone::UTC)
        .strftime(format)
        .to_string()
}

fn run(chapter: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("specs/snowglobe")
        .join(format!("{chapter}.slt"));
    let account = Account::new();
    let mut runner = Runner::new(|| async { Ok(account.connect()) });
    // Reports every failure of a story, not only the first.
    let records = sqllogictest::parse_file(&path).expect("a story");
    let failures: Vec<String> = records
        .into_iter()
        .filter_map(|record| runner.run(record).err())
        .map(|failure| failure.display(false).to_string())
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

macro_rules! chapters {
    ($($name:ident),* $(,)?) => { $( #[test] fn $name() { run(stringify!($name)); } )* };
}

chapters!(
    access,
    arithmetic,
    copy,
    copy_by_name,
    copy_errors,
    copy_transform,
    dialect,
    file_formats,
    hostile,
    unsupported,
    loading_procedure,
    locks,
    merge,
    merge_forms,
    objects,
    own_stages,
    pipe_operation,
    pipeline,
    pipes,
    procedure_calls,
    procedures,
    scripting,
    show,
    stages,
    stream_offsets,
    streams,
    strict_ddl,
    strict_scripting,
    strict_tasks,
    system_functions,
    task_graphs,
    tasks,
    time_travel,
    timestamps,
    transactions,
    trust,
    undrop,
    unload,
    variant,
    warehouses,
);

#[test]
fn every_story_has_its_expected_results() {
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/snowglobe");
    let source = include_str!("snowglobe_specs.rs");
    for entry in std::fs::read_dir(specs).expect("the folder of specs") {
        let name = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a name");
        let chapter = name.trim_end_matches(".slt");
        assert!(
            source.contains(&format!("{chapter},")),
            "{name} is not among the chapters"
        );
    }
}
