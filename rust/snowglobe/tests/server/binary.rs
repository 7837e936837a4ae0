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

/// A started process with the URLs that it printed; killed when dropped.
struct Process {
    child: Child,
    url: String,
    s3_url: String,
}

impl Process {
    fn start(data: Option<&Path>) -> Self {
        let mut child = snowglobe(&["--listen=127.0.0.1:0", "--s3=127.0.0.1:0"], data)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.as_mut().unwrap());
        let mut url = || {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            let url = line
                .split_whitespace()
                .find(|word| word.starts_with("http://"));
            url.map(str::to_owned)
                .unwrap_or_else(|| panic!("no URL in {line:?}"))
        };
        let (url, s3_url) = (url(), url());
        Self { child, url, s3_url }
    }

    /// A variable of the environment file in the data folder.
    fn variable(data: &Path, name: &str) -> String {
        let env = std::fs::read_to_string(data.join("snowglobe.env")).unwrap();
        let value = env
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.unwrap().to_owned()
    }

    fn s3(&self, data: &Path) -> aws_sdk_s3::Client {
        let secret = Self::variable(data, "AWS_SECRET_ACCESS_KEY");
        crate::buckets::connect(
            &self.s3_url,
            &Self::variable(data, "AWS_ACCESS_KEY_ID"),
            &secret,
        )
    }

    /// The answer to one statement, sent with the token that the data folder holds.
    async fn submit(&self, data: &Path, query: &str, sql: &str) -> (u16, serde_json::Value) {
        let token = Self::variable(data, "SNOWFLAKE_TOKEN");
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
fn it_ends_well_on_a_signal() {
    let mut process = Process::start(None);
    let killed = Command::new("kill")
        .args(["-TERM", &process.child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    assert!(process.child.wait().unwrap().success());
}

#[test]
fn a_used_port_and_a_used_folder_are_reported_with_a_fix() {
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
    assert!(used.contains("in use by another Snowglobe"), "{used}");
}

#[test]
fn secrets_are_shown_only_where_they_are_kept_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(Some(dir.path()));
    let _ = process.child.kill();
    let mut rest = String::new();
    let mut stdout = BufReader::new(process.child.stdout.take().unwrap());
    while stdout.read_line(&mut rest).unwrap() > 0 {}
    for name in ["SNOWFLAKE_TOKEN", "AWS_SECRET_ACCESS_KEY"] {
        assert!(
            !rest.contains(&Process::variable(dir.path(), name)),
            "{name}"
        );
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

#[tokio::test]
async fn every_object_acknowledged_before_kill_9_is_whole_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(Some(dir.path()));
    let s3 = process.s3(dir.path());
    s3.create_bucket().bucket("lake").send().await.unwrap();

    // Four writers put until the process dies under them, each noting what was acknowledged.
    let writers = (0..4).map(|writer| {
        let s3 = s3.clone();
        tokio::spawn(async move {
            let mut acknowledged = 0;
            loop {
                let (key, body) = (
                    format!("{writer}/{acknowledged}"),
                    body(writer, acknowledged),
                );
                if s3
                    .put_object()
                    .bucket("lake")
                    .key(key)
                    .body(body.into())
                    .send()
                    .await
                    .is_err()
                {
                    return acknowledged;
                }
                acknowledged += 1;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    while s3
        .head_object()
        .bucket("lake")
        .key("3/5")
        .send()
        .await
        .is_err()
    {}
    drop(process);

    let process = Process::start(Some(dir.path()));
    let s3 = process.s3(dir.path());
    for (writer, task) in (0..4).zip(writers) {
        let acknowledged = task.await.unwrap();
        for number in 0..acknowledged {
            let object = s3
                .get_object()
                .bucket("lake")
                .key(format!("{writer}/{number}"))
                .send()
                .await
                .unwrap();
            assert_eq!(
                object.body.collect().await.unwrap().to_vec(),
                body(writer, number)
            );
        }
    }
}

#[tokio::test]
async fn a_file_that_waits_for_its_pipe_at_kill_9_is_loaded_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(Some(dir.path()));
    let s3 = process.s3(dir.path());
    s3.create_bucket().bucket("lake").send().await.unwrap();
    for sql in [
        "create database d",
        "create table d.public.t (v varchar)",
        "create stage d.public.s url = 's3://lake/in/'",
        "create pipe d.public.p auto_ingest = true as copy into d.public.t from @d.public.s",
        "alter pipe d.public.p set pipe_execution_paused = true",
    ] {
        let (status, answer) = process.submit(dir.path(), "", sql).await;
        assert_eq!(status, 200, "{sql}: {answer}");
    }
    let put = s3.put_object().bucket("lake").key("in/1.csv");
    put.body(b"one\n".to_vec().into()).send().await.unwrap();
    let pending = "select parse_json(system$pipe_status('d.public.p')):pendingFileCount::number";
    until(&process, dir.path(), pending, "1").await;
    drop(process);

    let process = Process::start(Some(dir.path()));
    until(&process, dir.path(), pending, "1").await;
    let resume = "alter pipe d.public.p set pipe_execution_paused = false";
    assert_eq!(process.submit(dir.path(), "", resume).await.0, 200);
    let rows = "select count(*) from d.public.t";
    until(&process, dir.path(), rows, "1").await;
    until(&process, dir.path(), pending, "0").await;
    drop(process);

    let process = Process::start(Some(dir.path()));
    until(&process, dir.path(), pending, "0").await;
    until(&process, dir.path(), rows, "1").await;
}

/// Waits until the query answers so.
async fn until(process: &Process, data: &Path, sql: &str, expected: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let (_, answer) = process.submit(data, "", sql).await;
        if answer["data"][0][0] == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{sql}: {answer}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn body(writer: usize, number: usize) -> Vec<u8> {
    format!("{writer} {number} ").repeat(20_000).into_bytes()
}

#[test]
fn a_ping_finds_out_whether_a_snowglobe_answers() {
    let ping = |url: &str| {
        let address = url.strip_prefix("http://").unwrap();
        let output = snowglobe(&["--ping", address], None).output().unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let mut process = Process::start(None);
    assert_eq!(ping(&process.url), (true, String::new()));
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    let (well, message) = ping(&process.url);
    assert!(!well && message.contains("does not answer"), "{message}");
}

#[test]
fn credentials_are_kept_where_asked() {
    let (data, keys) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let keys_folder = format!("--credentials={}", keys.path().display());
    let mut child = snowglobe(
        &["--listen=127.0.0.1:0", "--s3=127.0.0.1:0", &keys_folder],
        Some(data.path()),
    )
    .spawn()
    .unwrap();
    let mut greeting = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut greeting)
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        keys.path().join("snowglobe.env").is_file() && keys.path().join("rsa_key.p8").is_file()
    );
    assert!(data.path().join("engine").exists() && !data.path().join("snowglobe.env").exists());
}
