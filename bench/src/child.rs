//! Peers in other languages: a process that prints program, rows, bytes and seconds as one line, separated by tabs.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::peer::{Failure, Peer, Run};

/// A peer in its own process.
pub struct Child {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl Child {
    /// The Python peer `script` in `bench/peers`.
    ///
    /// # Errors
    /// The virtual environment is missing.
    pub fn python(
        root: &Path,
        name: &'static str,
        script: &str,
        arguments: &[&str],
    ) -> Result<Self, Failure> {
        let python = root.join("target/bench-venv/bin/python");
        if !python.is_file() {
            return Err("target/bench-venv is missing: install Python 3.11 or newer, then run `make bench-peers`".into());
        }
        let script = root.join("bench/peers").join(script);
        let arguments = std::iter::once(script.into_os_string())
            .chain(arguments.iter().map(OsString::from))
            .collect();
        Ok(Self {
            name,
            program: python,
            arguments,
        })
    }

    /// The Java peer `class` in `bench/peers/datafaker`, with the newest JDK of this machine.
    ///
    /// # Errors
    /// The peer is not built, or there is no JDK.
    pub fn java(
        root: &Path,
        name: &'static str,
        class: &str,
        arguments: &[&str],
    ) -> Result<Self, Failure> {
        let built = root.join("target/bench-datafaker");
        if !built.join("lib").is_dir() {
            return Err("target/bench-datafaker is missing: install a JDK and Maven, then run `make bench-peers`".into());
        }
        let program =
            newest_java().ok_or("`java` not found: install a JDK 17 or newer, or set JAVA_HOME")?;
        let separator = if cfg!(windows) { ";" } else { ":" };
        let class_path = format!("{0}/*{separator}{0}/lib/*", built.display());
        let class = format!("firn.bench.{class}");
        let arguments = ["-cp", &class_path, &class]
            .iter()
            .chain(arguments)
            .map(OsString::from)
            .collect();
        Ok(Self {
            name,
            program,
            arguments,
        })
    }
}

/// The newest `java` in JAVA_HOME, in the folder of Linux distributions and on the PATH.
pub fn newest_java() -> Option<PathBuf> {
    let homes = std::env::var_os("JAVA_HOME").map(PathBuf::from).into_iter();
    let packaged = fs::read_dir("/usr/lib/jvm")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    homes
        .chain(packaged)
        .map(|home| home.join("bin/java"))
        .filter(|java| java.is_file())
        .chain([PathBuf::from("java")])
        .filter_map(|java| java_release(&java).map(|release| (release, java)))
        .max_by_key(|(release, _)| *release)
        .map(|(_, java)| java)
}

/// The release number, for example 25 of `openjdk 25.0.3 2026-04-21`.
fn java_release(java: &Path) -> Option<u32> {
    let output = Command::new(java)
        .arg("--version")
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace()
        .nth(1)?
        .split('.')
        .next()?
        .parse()
        .ok()
}

impl Peer for Child {
    fn name(&self) -> &str {
        self.name
    }

    fn run(&self) -> Result<Run, Failure> {
        let output = Command::new(&self.program).args(&self.arguments).output()?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr);
            let last = message.lines().last().unwrap_or("no message");
            return Err(format!(
                "{} failed with {}: {last}",
                self.program.display(),
                output.status
            )
            .into());
        }
        parse(&String::from_utf8_lossy(&output.stdout))
    }
}

/// Parses the program, rows, bytes and seconds of a run.
///
/// # Errors
/// The line has another format.
pub fn parse(line: &str) -> Result<Run, Failure> {
    let fields: Vec<_> = line.trim_end().split('\t').collect();
    let [program, rows, bytes, seconds] = fields.as_slice() else {
        return Err(
            format!("invalid line {line:?}: expected program, rows, bytes and seconds").into(),
        );
    };
    let run = Run {
        program: (*program).to_owned(),
        rows: rows.parse()?,
        bytes: bytes.parse()?,
        seconds: seconds.parse()?,
    };
    Ok(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_child_becomes_its_run() {
        let run = parse("mimesis 22.2.0\t100\t12000\t0.5\n").unwrap();
        assert_eq!(
            (run.program.as_str(), run.rows, run.bytes),
            ("mimesis 22.2.0", 100, 12_000)
        );
        assert!((run.rows_per_second() - 200.0).abs() < 1e-9);
        assert!(parse("Traceback").is_err());
    }

    #[test]
    fn a_missing_environment_is_reported_with_a_fix() {
        let nowhere = tempfile::tempdir().unwrap();
        let missing = Child::python(nowhere.path(), "faker", "faker_rows.py", &[])
            .err()
            .unwrap();
        assert!(
            missing.to_string().contains("make bench-peers"),
            "{missing}"
        );
    }
}
