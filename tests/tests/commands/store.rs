//! Uploads to the bucket: the sources of credentials, the encryption and the parts of objects, and the memory of an upload.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use firn::contract::Contract;
use snowglobe::faults::{Calls, Fault, FaultKind, Service};
use snowglobe::s3::Object;
use snowglobe::server::Options;

use super::fixture::{BUCKET, Fixture, Life, row};

/// Uploads the files in `landing`, and makes no request to Snowflake.
const UPLOAD: &str = "watch landing --settle 0.1s --once --no-merge";

fn ground_with_a_file() -> Fixture {
    let fixture = Fixture::bare();
    std::fs::create_dir(fixture.path("landing")).expect("a folder");
    fixture.file(
        "landing/a.csv",
        &[row("I", 1, "Rome", "2026-01-01T00:00:00Z")],
    );
    fixture
}

fn objects(fixture: &Fixture) -> Vec<Object> {
    let all = fixture
        .server
        .objects
        .with_bucket(BUCKET, |bucket| bucket.objects.values().cloned().collect());
    all.expect("the bucket is there")
}

/// The upload without the access key in its environment.
fn without_key(fixture: &Fixture) -> Command {
    let mut command = fixture.firn(UPLOAD);
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY");
    command
}

fn uploads(fixture: &Fixture, command: &mut Command) {
    let said = super::fixture::said(command.output().expect("firn runs"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(objects(fixture).len(), 1);
}

/// Responds to each path with its body, and reports the requests.
fn metadata_service(answers: Vec<(&'static str, String)>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (sender, asked) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let head = request(&stream);
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let body = answers
                .iter()
                .find(|(known, _)| *known == path)
                .map(|(_, body)| body);
            let answer = match body {
                Some(body) => format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nx-aws-ec2-metadata-token-ttl-seconds: 21600\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                ),
                None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    .to_owned(),
            };
            // A closed connection needs no response, and a test that has ended no report.
            let _ = (&stream).write_all(answer.as_bytes());
            let _ = sender.send(head);
        }
    });
    (url, asked)
}

/// A request's head; the requests here have no body.
fn request(mut stream: &TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

fn key_document(fixture: &Fixture, token_name: &str) -> String {
    let credentials = &fixture.server.credentials;
    format!(
        "{{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"{}\",\"SecretAccessKey\":\"{}\",\"{token_name}\":\"session\",\"Expiration\":\"2099-01-01T00:00:00Z\",\"LastUpdated\":\"2026-01-01T00:00:00Z\"}}",
        credentials.s3_access_key_id, credentials.s3_secret_access_key
    )
}

#[test]
fn a_profile_in_awss_files_gives_access_to_the_bucket() {
    let fixture = ground_with_a_file();
    let credentials = &fixture.server.credentials;
    std::fs::create_dir(fixture.path(".aws")).expect("a folder");
    let text = format!(
        "[work]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        credentials.s3_access_key_id, credentials.s3_secret_access_key
    );
    std::fs::write(fixture.path(".aws/credentials"), text).expect("a file");
    uploads(
        &fixture,
        without_key(&fixture).args(["--aws-profile", "work"]),
    );
}

#[test]
fn the_role_of_a_container_gives_access_to_the_bucket() {
    let fixture = ground_with_a_file();
    let (url, asked) = metadata_service(vec![("/role", key_document(&fixture, "Token"))]);
    let mut command = without_key(&fixture);
    command
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{url}/role"))
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "container-token");
    uploads(&fixture, &mut command);
    let head = asked
        .recv_timeout(Duration::from_secs(60))
        .expect("it was asked");
    assert!(head.contains("container-token"), "{head}");
}

#[test]
fn the_role_of_an_instance_gives_access_to_the_bucket() {
    let fixture = ground_with_a_file();
    let role = key_document(&fixture, "Token");
    let (url, asked) = metadata_service(vec![
        ("/latest/api/token", "imds-token".to_owned()),
        (
            "/latest/meta-data/iam/security-credentials/",
            "firn".to_owned(),
        ),
        (
            "/latest/meta-data/iam/security-credentials/firn",
            role.clone(),
        ),
        (
            "/latest/meta-data/iam/security-credentials-extended/",
            "firn".to_owned(),
        ),
        (
            "/latest/meta-data/iam/security-credentials-extended/firn",
            role,
        ),
    ]);
    let mut command = without_key(&fixture);
    uploads(
        &fixture,
        command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url),
    );
    let heads: Vec<String> = asked.try_iter().collect();
    assert!(heads[0].starts_with("PUT /latest/api/token"), "{heads:?}");
    assert!(
        heads.iter().skip(1).all(|head| head.contains("imds-token")),
        "{heads:?}"
    );
}

#[test]
fn missing_credentials_are_reported_with_their_sources() {
    let fixture = ground_with_a_file();
    let output = without_key(&fixture)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .expect("firn runs");
    let said = super::fixture::said(output);
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(
        said.err
            .contains("set AWS_PROFILE, AWS_ACCESS_KEY_ID or a role"),
        "{}",
        said.err
    );
}

#[test]
fn uploads_request_the_chosen_encryption() {
    for (option, wanted) in [
        ("default", [None, None]),
        ("s3", [Some("AES256"), None]),
        ("kms", [Some("aws:kms"), None]),
        ("kms:key-1", [Some("aws:kms"), Some("key-1")]),
    ] {
        let fixture = ground_with_a_file();
        fixture.ok(&format!("{UPLOAD} --encryption {option}"));
        let headers = objects(&fixture).remove(0).headers;
        assert_eq!(
            [
                headers.encryption.as_deref(),
                headers.encryption_key.as_deref()
            ],
            wanted,
            "{option}"
        );
    }
    let fixture = ground_with_a_file();
    let said = fixture.fails(2, &format!("{UPLOAD} --encryption rot13"));
    assert!(
        said.contains("expected default, s3, kms or kms:KEY"),
        "{said}"
    );
}

#[test]
fn a_large_file_that_ends_early_leaves_nothing_in_the_bucket() {
    let fixture = ground_with_a_file();
    large(&fixture, "large.csv", 40 << 20);
    let text = std::fs::read(fixture.path("large.csv")).expect("a file");
    let whole = zstd::encode_all(text.as_slice(), 1).expect("it compresses");
    std::fs::write(fixture.path("landing/b.csv.zst"), &whole[..whole.len() - 9]).expect("a file");
    let begun = Calls {
        service: Some(Service::S3),
        method: Some("POST".to_owned()),
        ..Calls::default()
    };
    let faults = &fixture.server.faults;
    faults.arm(Fault::always(FaultKind::Slow { millis: 0 }).on(begun));
    let said = fixture.fails(1, &format!("{UPLOAD} --compression none"));
    assert!(
        said.contains("b.csv.zst: ") && said.contains("the zstd data is incomplete"),
        "{said}"
    );
    assert_eq!(objects(&fixture).len(), 1, "the other file is there");
    assert_eq!(faults.list()[0].struck, 0, "no part was sent");
}

#[test]
fn an_upload_that_fails_half_way_deletes_its_parts() {
    let fixture = Fixture::bare();
    std::fs::create_dir(fixture.path("landing")).expect("a folder");
    large(&fixture, "landing/large.csv", 20 << 20);
    let calls = |method: &str, path: &str| Calls {
        service: Some(Service::S3),
        method: Some(method.to_owned()),
        path_contains: Some(path.to_owned()),
        ..Calls::default()
    };
    let faults = &fixture.server.faults;
    let refusal = FaultKind::Refuse {
        status: 403,
        retry_after_seconds: None,
    };
    faults.arm(Fault::always(refusal).on(calls("PUT", "partNumber=2")));
    faults.arm(Fault::always(FaultKind::Slow { millis: 0 }).on(calls("DELETE", "uploadId=")));
    let said = fixture.fails(1, &format!("{UPLOAD} --compression none"));
    assert!(said.contains("is denied: grant s3:PutObject"), "{said}");
    let struck: Vec<u32> = faults.list().iter().map(|one| one.struck).collect();
    assert_eq!(struck, [1, 1]);
    assert!(objects(&fixture).is_empty());
}

#[test]
fn a_request_without_a_response_is_sent_again() {
    for method in ["HEAD", "PUT"] {
        let fixture = ground_with_a_file();
        let calls = Calls {
            service: Some(Service::S3),
            method: Some(method.to_owned()),
            ..Calls::default()
        };
        let faults = &fixture.server.faults;
        // As when the server of a connection disappears silently.
        faults.arm(Fault::once(FaultKind::Slow { millis: 250_000 }).on(calls.clone()));
        faults.arm(Fault::always(FaultKind::Slow { millis: 0 }).on(calls));
        fixture.ok(UPLOAD);
        let sent = faults.list().last().map(|counted| counted.struck);
        assert_eq!(sent, Some(2), "{method}");
    }
}

/// Writes a file of at least the given number of bytes.
fn large(fixture: &Fixture, name: &str, bytes: u64) {
    let header: Vec<String> = Contract::customer().header().map(str::to_owned).collect();
    let mut output = BufWriter::new(File::create(fixture.path(name)).expect("a file"));
    writeln!(output, "{}", header.join(",")).expect("room");
    let row = row("I", 1, &"x".repeat(60), "2026-01-01T00:00:00Z") + "\n";
    let rows = row.repeat(10_000);
    for _ in 0..bytes / rows.len() as u64 + 1 {
        output.write_all(rows.as_bytes()).expect("room");
    }
    output.flush().expect("room");
}

/// The peak memory of an upload of the file, in KiB.
fn peak_kib(fixture: &Fixture, name: &str) -> u64 {
    std::fs::rename(fixture.path(name), fixture.path("landing/large.csv")).expect("a rename");
    let mut command = fixture.firn(&format!("{UPLOAD} --compression none"));
    let mut life = Life(command.stdout(Stdio::null()).spawn().expect("firn runs"));
    let status = format!("/proc/{}/status", life.0.id());
    let mut peak = 0;
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        peak = now.unwrap_or(peak);
        if let Some(ended) = life.0.try_wait().expect("it is ours") {
            assert!(ended.success());
            return peak;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Parts of 8 MiB: one being made, two waiting, one being sent, and the rest of the process.
const BOUND_MIB: u64 = 128;

/// A file of any size takes the same memory; this one is larger than the bound. `FIRN_TEST_MEGABYTES=10000` uses 10 GB.
#[cfg(target_os = "linux")]
#[test]
fn a_file_is_larger_than_the_memory_of_its_upload() {
    let asked = std::env::var("FIRN_TEST_MEGABYTES").ok();
    let megabytes = asked.map_or(144, |text| text.parse().expect("a number"));
    let data = tempfile::tempdir().expect("a folder");
    let fixture = Fixture::with(Options {
        data: Some(data.path().to_owned()),
        ..Options::default()
    });
    std::fs::create_dir(fixture.path("landing")).expect("a folder");
    large(&fixture, "large.csv", megabytes << 20);
    let peak = peak_kib(&fixture, "large.csv");
    println!("{} MiB for a file of {megabytes} MiB", peak >> 10);
    assert!(peak > 0 && peak < BOUND_MIB << 10, "{} MiB", peak >> 10);
    let object = objects(&fixture).remove(0);
    let parts = object
        .etag
        .rsplit_once('-')
        .map(|(_, parts)| parts.to_owned());
    assert_eq!(parts, Some(object.size.div_ceil(8 << 20).to_string()));
    assert!(object.size > BOUND_MIB << 20 && object.checksums.crc32.is_some());
}
