//! Tests of `firn generate` with the real binary, from arguments to files.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail as the test does"
)]

mod folder;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use folder::{contents, customers, names, parts};
use serde_json::Value;
use tempfile::tempdir;

fn firn(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_firn"));
    command
        .args(arguments.split_whitespace())
        .stdin(Stdio::null());
    command
}

fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// The exit code and the first line on standard error.
fn failed(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    (
        output.status.code().unwrap(),
        text.lines().next().unwrap_or_default().to_owned(),
    )
}

fn json(path: &std::path::Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_manifest_has_the_counts_of_the_files() {
    let out = tempdir().unwrap();
    done(firn("generate --rows 5k --files 4 --updates 50% --deletes 0.1 --late 2% --duplicates 1% --same-key 5% --locale us,jp --out").arg(out.path()));

    let manifest = json(&out.path().join("manifest.json"));
    let (mut ops, mut last, mut rows) = (BTreeMap::new(), BTreeMap::new(), 0);
    for (at, file) in customers(out.path()).iter().enumerate() {
        let mut reader = csv::Reader::from_path(file).unwrap();
        let before = rows;
        for row in reader.records().map(Result::unwrap) {
            rows += 1;
            let order = (row[11].to_owned(), row[12].parse::<u64>().unwrap());
            ops.insert(order.1, row[0].to_owned());
            let newest = last
                .entry(row[1].to_owned())
                .or_insert_with(|| (order.clone(), String::new()));
            if order >= newest.0 {
                *newest = (order, row[0].to_owned());
            }
        }
        let listed = &manifest["delivered"]["files"][at];
        assert_eq!(listed["rows"], rows - before);
        assert_eq!(listed["name"], file.file_name().unwrap().to_str().unwrap());
    }
    let count = |letter: &str| ops.values().filter(|op| *op == letter).count();
    assert_eq!(manifest["delivered"]["inserts"], count("I"));
    assert_eq!(manifest["delivered"]["updates"], count("U"));
    assert_eq!(manifest["delivered"]["deletes"], count("D"));
    assert_eq!(manifest["delivered"]["rows"], rows);
    assert!(
        rows > 5_000 && ops.len() == 5_000,
        "duplicates are there and nothing is missing"
    );
    assert_eq!(
        manifest["expected"]["rows"],
        last.values().filter(|(_, op)| op != "D").count()
    );
}

#[test]
fn the_manifest_locates_a_malformed_row() {
    let out = tempdir().unwrap();
    done(firn("generate --rows 2000 --files 3 --malformed 5% --out").arg(out.path()));

    let manifest = json(&out.path().join("manifest.json"));
    let malformed = manifest["delivered"]["malformed"].as_array().unwrap();
    assert!(malformed.len() > 50);
    for one in malformed.iter().filter(|one| one["defect"] == "unknown_op") {
        let files = manifest["delivered"]["files"].as_array().unwrap();
        let file = files
            .iter()
            .find(|file| file["first_sequence"] == one["file"])
            .unwrap();
        let text = fs::read(out.path().join(file["name"].as_str().unwrap())).unwrap();
        let row = text
            .split(|&byte| byte == b'\n')
            .nth(usize::try_from(one["row"].as_u64().unwrap()).unwrap())
            .unwrap();
        assert!(
            !matches!(row[..2], [b'I' | b'U' | b'D', b',']),
            "{}",
            String::from_utf8_lossy(row)
        );
    }
    assert!(malformed.iter().any(|one| one["defect"] == "unknown_op"));
}

#[test]
fn any_number_of_threads_generates_the_same_bytes() {
    let mut folders = Vec::new();
    for threads in ["1", "2", "7"] {
        let out = tempdir().unwrap();
        done(firn("generate --rows 20k --files 3 --updates 60% --deletes 5% --late 1% --malformed 1% --threads").arg(threads).arg("--out").arg(out.path()));
        folders.push(contents(out.path()));
    }
    assert_eq!(folders[0].len(), 4);
    assert!(folders[0] == folders[1] && folders[0] == folders[2]);
}

#[test]
fn gzip_and_zstd_hold_the_same_rows() {
    let plain = tempdir().unwrap();
    done(firn("generate --rows 3000 --files 2 --out").arg(plain.path()));
    for (compression, suffix) in [("gzip", "gz"), ("zstd", "zst")] {
        let packed = tempdir().unwrap();
        done(
            firn("generate --rows 3000 --files 2 --compress")
                .arg(compression)
                .arg("--out")
                .arg(packed.path()),
        );
        for file in customers(plain.path()) {
            let name = format!("{}.{suffix}", file.file_name().unwrap().to_str().unwrap());
            let mut bytes = Vec::new();
            let open = File::open(packed.path().join(name)).unwrap();
            match compression {
                "gzip" => flate2::read::MultiGzDecoder::new(open)
                    .read_to_end(&mut bytes)
                    .unwrap(),
                _ => zstd::Decoder::new(open)
                    .unwrap()
                    .read_to_end(&mut bytes)
                    .unwrap(),
            };
            assert!(bytes == fs::read(&file).unwrap());
        }
    }
}

#[test]
fn json_lines_have_a_value_for_each_column() {
    let output = done(&mut firn("generate --rows 50 --format jsonl --stdout"));
    let rows: Vec<Value> = output
        .stdout
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    assert_eq!(rows.len(), 50);
    assert!(
        rows.iter()
            .all(|row| row.as_object().unwrap().len() == 13 && row["op"] == "I")
    );
}

#[test]
fn standard_output_has_the_files_one_after_the_other_under_one_header() {
    let out = tempdir().unwrap();
    let options = "generate --rows 3000 --files 3 --updates 30% --late 5%";
    done(firn(options).arg("--out").arg(out.path()));
    let stdout = done(firn(options).arg("--stdout")).stdout;

    let mut expected = Vec::new();
    for file in customers(out.path()) {
        let bytes = fs::read(file).unwrap();
        let rows = bytes.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        expected.extend_from_slice(if expected.is_empty() {
            &bytes
        } else {
            &bytes[rows..]
        });
    }
    assert!(stdout == expected);
}

#[test]
fn a_reader_that_ends_early_ends_the_run_quietly() {
    let mut child = firn("generate --rows 50M --stdout")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(line.starts_with("op,customer_id,"));
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn two_runs_with_a_state_file_equal_one_run() {
    let (whole, parts, work) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let options =
        "generate --rows-per-file 1000 --updates 60% --deletes 5% --duplicates 0 --seed 9";
    done(
        firn(options)
            .args(["--rows", "5000", "--out"])
            .arg(whole.path()),
    );
    for rows in ["2000", "3000"] {
        done(
            firn(options)
                .args(["--rows", rows, "--out"])
                .arg(parts.path())
                .arg("--state")
                .arg(work.path().join("state.json")),
        );
    }
    assert_eq!(contents(whole.path()), contents(parts.path()));
}

#[test]
fn a_start_sequence_resumes_where_a_run_ended() {
    let (first, second, whole) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let options = "generate --rows-per-file 1000 --updates 60% --deletes 5%";
    done(
        firn(options)
            .args(["--rows", "2000", "--out"])
            .arg(first.path()),
    );
    done(
        firn(options)
            .args(["--rows", "1k", "--start-sequence", "2000", "--out"])
            .arg(second.path()),
    );
    done(
        firn(options)
            .args(["--rows", "3000", "--out"])
            .arg(whole.path()),
    );

    let name = "customers-0000000000002000.csv";
    assert_eq!(names(second.path()), [name, "manifest.json"]);
    assert_eq!(contents(whole.path())[name], contents(second.path())[name]);
    let expected =
        |folder: &std::path::Path| json(&folder.join("manifest.json"))["expected"].clone();
    assert_eq!(expected(whole.path()), expected(second.path()));
}

#[test]
fn files_and_options_of_an_earlier_version_are_resumed() {
    let (whole, parts, work) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let options = "generate --rows-per-file 1000 --initial 10";
    done(
        firn(options)
            .args(["--malformed", "5%", "--rows", "4000", "--out"])
            .arg(whole.path()),
    );
    let state = work.path().join("state.json");
    let resume = || {
        let mut command = firn(options);
        command
            .args(["--dirty", "5%", "--rows", "2000", "--out"])
            .arg(parts.path())
            .arg("--state")
            .arg(&state);
        command
    };
    done(&mut resume());
    let earlier = [
        (r#""malformed": 0"#, r#""dirty": 0"#),
        (r#""malformed": ["#, r#""broken": ["#),
        (r#""defect""#, r#""breakage""#),
    ];
    for path in [&state, &parts.path().join("manifest.json")] {
        let mut text = fs::read_to_string(path).unwrap();
        for (now, then) in earlier {
            text = text.replace(now, then);
        }
        assert!(text.contains(r#""dirty""#) && !text.contains("malformed"));
        fs::write(path, text).unwrap();
    }
    done(&mut resume());
    assert_eq!(contents(whole.path()), contents(parts.path()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_created_is_named_with_a_fix() {
    let (code, line) = failed(&mut firn("generate --rows 10 --out /proc/nope"));
    assert_eq!(code, 1);
    assert_eq!(
        line,
        "error: cannot create folder /proc/nope: the file system does not allow it: choose another folder"
    );
}

#[test]
fn counts_and_locales_are_accepted_in_the_forms_of_other_tools() {
    let rows = |arguments: &str| done(&mut firn(arguments)).stdout;
    assert_eq!(
        rows("generate --rows 1e3 --locale de_DE,pt_BR --stdout"),
        rows("generate --rows 1k --locale de --locale br --stdout")
    );
}

#[test]
fn options_that_differ_from_the_state_are_named() {
    let out = tempdir().unwrap();
    let state = out.path().join("state.json");
    done(
        firn("generate --rows 100 --updates 0.3 --out")
            .arg(out.path())
            .arg("--state")
            .arg(&state),
    );
    let before = contents(out.path());

    let (code, line) = failed(
        firn("generate --rows 100 --updates 0.4 --seed 7 --out")
            .arg(out.path())
            .arg("--state")
            .arg(&state),
    );
    assert_eq!(code, 2);
    assert!(
        line.starts_with("error: --seed, --updates differ from the stream in ")
            && line.contains("state.json"),
        "{line}"
    );
    assert_eq!(before, contents(out.path()));
}

#[test]
fn an_existing_file_is_an_error_before_anything_is_written() {
    let out = tempdir().unwrap();
    let existing = out.path().join("customers-0000000000000200.csv");
    fs::write(&existing, "mine").unwrap();

    let run = "generate --rows 300 --rows-per-file 100 --out";
    let (code, line) = failed(firn(run).arg(out.path()));
    assert_eq!(code, 1);
    assert!(
        line.contains(
            "customers-0000000000000200.csv exists: choose another --out, or use --force"
        ),
        "{line}"
    );
    assert_eq!(names(out.path()), ["customers-0000000000000200.csv"]);

    done(firn(run).arg(out.path()).arg("--force"));
    assert_eq!(names(out.path()).len(), 4);
    assert_ne!(fs::read(existing).unwrap(), b"mine");
}

#[test]
fn a_folder_that_cannot_be_written_is_named_with_a_fix() {
    let out = tempdir().unwrap();
    fs::write(out.path().join("file"), "").unwrap();
    let (code, line) = failed(firn("generate --rows 10 --out").arg(out.path().join("file/below")));
    assert_eq!(code, 1);
    assert!(
        line.starts_with("error: cannot write ")
            && line.ends_with(
                "file/below: a file is in the way: choose another folder, or remove the file"
            ),
        "{line}"
    );
}

#[test]
fn a_full_disk_leaves_no_partial_file() {
    let out = tempdir().unwrap();
    // Files of at most 100 blocks of 512 bytes: the second write of the file fails, as on a full disk.
    let script = r#"trap '' XFSZ; ulimit -f 100; exec "$0" "$@""#;
    let mut limited = Command::new("sh");
    limited
        .args([
            "-c",
            script,
            env!("CARGO_BIN_EXE_firn"),
            "generate",
            "--rows",
            "5000",
            "--out",
        ])
        .arg(out.path());
    let (code, line) = failed(&mut limited);
    assert_eq!(code, 1);
    assert!(
        line.contains("customers-0000000000000000.csv: the file is too large: "),
        "{line}"
    );
    assert!(names(out.path()).is_empty() && parts(out.path()).is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn standard_output_on_a_full_disk_is_an_error() {
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let (code, line) = failed(firn("generate --rows 1000 --stdout").stdout(full));
    assert_eq!(code, 1);
    assert_eq!(
        line,
        "error: cannot write to standard output: the disk is full: free some space"
    );
}

#[test]
fn a_rate_is_paced_by_the_wall_clock() {
    let out = tempdir().unwrap();
    let begun = Instant::now();
    done(
        firn("generate --rate 200 --every 100ms --rows 100 --start-time 2026-02-03 --out")
            .arg(out.path()),
    );
    assert!(
        begun.elapsed() >= Duration::from_millis(400),
        "{:?}",
        begun.elapsed()
    );
    let files = customers(out.path());
    assert_eq!(files.len(), 5);
    let last = fs::read_to_string(&files[4]).unwrap();
    assert!(
        last.lines()
            .last()
            .unwrap()
            .contains(",2026-02-03T00:00:00.49"),
        "200 a second are 5 ms each: {last}"
    );
}

#[test]
fn every_shell_gets_a_completion() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = done(firn("completions").arg(shell)).stdout;
        let script = String::from_utf8(script).unwrap();
        assert!(
            script.contains("generate") && script.contains("rows-per-file"),
            "{shell}"
        );
    }
}
