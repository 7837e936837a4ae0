//! A Snowglobe, and `firn` with only its address in the environment.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};

use firn::contract::Contract;
use snowglobe::engine::{Binds, Login, Session, Value};
use snowglobe::server::{Options, Running, serve};
use tokio::runtime::Runtime;

pub const BUCKET: &str = "firn-landing";
const TIMEOUT: Duration = Duration::from_secs(60);

pub struct Fixture {
    pub server: Running,
    pub folder: tempfile::TempDir,
    _runtime: Runtime,
}

/// The result of a command.
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Fixture {
    /// A Snowglobe with only a bucket.
    pub fn bare() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        let runtime = Runtime::new().expect("threads");
        let server = runtime
            .block_on(serve(Options {
                buckets: vec![BUCKET.to_owned()],
                ..options
            }))
            .expect("Snowglobe starts");
        Self {
            server,
            folder: tempfile::tempdir().expect("a folder"),
            _runtime: runtime,
        }
    }

    /// One with every object of the customer contract; the tasks run once a minute, so they rarely affect a test.
    pub fn new() -> Self {
        let fixture = Self::bare();
        fixture.ok("bootstrap");
        fixture
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of customer rows with the contract's header.
    pub fn file(&self, name: &str, rows: &[String]) -> PathBuf {
        let header: Vec<String> = Contract::customer().header().map(str::to_owned).collect();
        let path = self.path(name);
        std::fs::write(
            &path,
            format!("{}\n{}\n", header.join(","), rows.join("\n")),
        )
        .expect("a file");
        path
    }

    /// `firn` with these arguments, and without the variables of the tests' own environment.
    pub fn firn(&self, words: &str) -> Command {
        let mut command = firn();
        command
            .args(words.split_whitespace())
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .envs(self.variables());
        command
    }

    /// The variables for connecting to this Snowglobe.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let credentials = &self.server.credentials;
        vec![
            ("SNOWFLAKE_ACCOUNT", self.server.account.clone()),
            ("SNOWFLAKE_HOST", self.server.address.ip().to_string()),
            ("SNOWFLAKE_PORT", self.server.address.port().to_string()),
            ("SNOWFLAKE_PROTOCOL", "http".to_owned()),
            ("SNOWFLAKE_TOKEN", credentials.token.clone()),
            ("AWS_ENDPOINT_URL_S3", self.server.s3_url()),
            ("AWS_ACCESS_KEY_ID", credentials.s3_access_key_id.clone()),
            (
                "AWS_SECRET_ACCESS_KEY",
                credentials.s3_secret_access_key.clone(),
            ),
            ("AWS_REGION", "us-east-1".to_owned()),
        ]
    }

    pub fn run(&self, words: &str) -> Said {
        said(self.firn(words).output().expect("firn runs"))
    }

    /// The output of a command that succeeds.
    pub fn ok(&self, words: &str) -> String {
        let said = self.run(words);
        assert_eq!(said.code, Some(0), "firn {words}: {}{}", said.out, said.err);
        said.out
    }

    /// The errors of a command that fails with `code`.
    pub fn fails(&self, code: i32, words: &str) -> String {
        let said = self.run(words);
        assert_eq!(
            said.code,
            Some(code),
            "firn {words}: {}{}",
            said.out,
            said.err
        );
        said.err
    }

    /// The result of a command that fails with these variables.
    pub fn fails_with(&self, variables: &[(&str, &str)], words: &str) -> Said {
        let mut command = self.firn(words);
        let said = said(
            command
                .envs(variables.iter().copied())
                .output()
                .expect("firn runs"),
        );
        assert_ne!(said.code, Some(0), "firn {words}: {}{}", said.out, said.err);
        said
    }

    pub fn json(&self, words: &str) -> serde_json::Value {
        serde_json::from_str(&self.ok(words)).expect("a JSON document")
    }

    /// Runs SQL as the owner of all objects, directly in the engine.
    pub fn sql(&self, sql: &str) -> Vec<Vec<String>> {
        self.sql_as("FIRN_OWNER", sql)
    }

    pub fn sql_as(&self, role: &str, sql: &str) -> Vec<Vec<String>> {
        self.session_as(role).run(sql)
    }

    /// A session of the owner.
    pub fn session(&self) -> Sql {
        self.session_as("FIRN_OWNER")
    }

    fn session_as(&self, role: &str) -> Sql {
        let login = Login {
            user: "SNOWGLOBE".to_owned(),
            role: Some(role.to_owned()),
            warehouse: Some("FIRN_WH".to_owned()),
            database: Some("FIRN".to_owned()),
            schema: Some("PUBLIC".to_owned()),
        };
        Sql(self.server.engine.session(login).expect("a session opens"))
    }

    pub fn number(&self, sql: &str) -> i64 {
        self.sql(sql)[0][0].parse().expect("a number")
    }
}

pub struct Sql(Session);

impl Sql {
    pub fn run(&mut self, sql: &str) -> Vec<Vec<String>> {
        let result = self
            .0
            .execute(sql, &Binds::default())
            .unwrap_or_else(|error| panic!("{error}\n{sql}"));
        let shown = |value: &Value| match value {
            Value::Null => "null".to_owned(),
            Value::Number(digits) => digits.to_string(),
            Value::Text(text) | Value::Json(text) => text.clone(),
            other => format!("{other:?}"),
        };
        let rows = result.rows.iter();
        rows.map(|row| row.iter().map(shown).collect()).collect()
    }
}

/// The binary, with an empty environment.
pub fn firn() -> Command {
    let mut command = Command::new(binary("firn"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null());
    command
}

pub fn said(output: Output) -> Said {
    Said {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A binary in the folder of these tests; cargo builds those of other packages only on request.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test has a path");
    let path = test.ancestors().nth(2).expect("target/debug").join(name);
    let fix = "cargo build --workspace --bin firn --bin snowglobe";
    let built = modified(&path).unwrap_or_else(|| panic!("{name} is not built: {fix}"));
    let rust = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rust");
    for room in ["core/src", "cli/src"] {
        let newest = newest(&rust.join(room));
        assert!(
            newest <= built || name != "firn",
            "{name} is older than {room}: {fix}"
        );
    }
    path
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}

fn newest(folder: &Path) -> SystemTime {
    let entries = std::fs::read_dir(folder).expect("the sources are here");
    let times = entries.map(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            newest(&path)
        } else {
            modified(&path).expect("a file has a time")
        }
    });
    times.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// A child process that is killed at the end of its test.
pub struct Life(pub Child);

impl Life {
    pub fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        kill.arg(format!("-{name}")).arg(self.0.id().to_string());
        assert!(kill.status().expect("kill runs").success());
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < TIMEOUT, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn row(op: &str, id: u32, city: &str, at: &str) -> String {
    format!("{op},{id},Ann,Lee,ann@example.com,,1 Main St,{city},IL,62704,US,{at},1")
}
