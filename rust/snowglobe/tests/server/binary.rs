//! The process itself: its start, its refusals, its end.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn snowglobe(arguments: &[&str], data: Option<&Path>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snowglobe"));
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.args(data.map(|dir| format!("--data={}", dir.display())));
    command
}

/// A started process with the URL that it printed; killed when dropped.
struct Process {
    child: Child,
    url: String,
}

impl Process {
    fn start(data: Option<&Path>) -> Self {
        let mut child = snowglobe(&["--listen=127.0.0.1:0", "--s3=127.0.0.1:0"], data)
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut first)
            .unwrap();
        let url = first
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .map(str::to_owned);
        Self {
            child,
            url: url.unwrap_or_else(|| panic!("no URL in {first:?}")),
        }
    }

    /// The answer to one statement, sent with the token that the data folder holds.
    async fn submit(&self, data: &Path, query: &str, sql: &str) -> (u16, serde_json::Value) {
        let env = std::fs::read_to_string(data.join("snowglobe.env")).unwrap();
        let token = env
            .lines()
            .find_map(|line| line.strip_prefix("SNOWFLAKE_TOKEN="))
            .unwrap();
        let request =
            reqwest::Client::new().post(format!("{}/api/v2/statements?{query}", self.url));
        let request = request
            .header("authorization", format!("Bearer {token}"))
            .header("accept", "application/json");
        let request = request
            .header("content-type", "application/json")
            .header("user-agent", "test/1");
        let response = request
            .body(serde_json::json!({"statement": sql}).to_string())
            .send()
            .await
            .unwrap();
        (
            response.status().as_u16(),
            serde_json::from_str(&response.text().await.unwrap()).unwrap(),
        )
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process that refuses to start says.
fn refusal(arguments: &[&str], data: Option<&Path>) -> String {
    let output = snowglobe(arguments, data).output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn it_starts_in_under_a_second_and_ends_on_a_signal() {
    let start = Instant::now();
    let mut process = Process::start(None);
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    let killed = Command::new("kill")
        .args(["-TERM", &process.child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    assert!(process.child.wait().unwrap().success());
}

#[test]
fn a_taken_port_and_a_used_folder_are_told_with_their_cure() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(Some(dir.path()));
    let address = process.url.trim_start_matches("http://");
    let taken = refusal(&[&format!("--listen={address}"), "--s3=127.0.0.1:0"], None);
    assert!(
        taken.contains(address) && taken.contains("the port is taken"),
        "{taken}"
    );
    let used = refusal(
        &["--listen=127.0.0.1:0", "--s3=127.0.0.1:0"],
        Some(dir.path()),
    );
    assert!(used.contains("another Snowglobe uses it"), "{used}");
}

#[test]
fn secrets_are_shown_only_where_they_are_kept_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(Some(dir.path()));
    let env = std::fs::read_to_string(dir.path().join("snowglobe.env")).unwrap();
    let _ = process.child.kill();
    let mut rest = String::new();
    let mut stdout = BufReader::new(process.child.stdout.take().unwrap());
    while stdout.read_line(&mut rest).unwrap() > 0 {}
    for name in ["SNOWFLAKE_TOKEN=", "AWS_SECRET_ACCESS_KEY="] {
        let secret = env
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap();
        assert!(!rest.contains(secret), "{name}");
    }
}

#[tokio::test]
async fn a_request_answered_before_kill_9_is_not_run_again_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(Some(dir.path()));
    let (status, first) = process.submit(dir.path(), "requestId=r1", "select 1").await;
    assert_eq!(status, 200, "{first}");
    drop(process);

    let process = Process::start(Some(dir.path()));
    let (status, again) = process
        .submit(dir.path(), "requestId=r1&retry=true", "select 1")
        .await;
    assert_eq!(
        (status, &again["statementHandle"]),
        (200, &first["statementHandle"])
    );
    assert_eq!(again["data"], first["data"]);
}
