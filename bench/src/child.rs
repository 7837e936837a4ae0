//! Peers in other languages: a process that prints program, rows, bytes and seconds as one line, separated by tabs.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::peer::{Failure, Peer, Run};

/// A contender in a process of its own.
pub struct Child {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl Child {
    /// The Python peer `script` of `bench/peers`, if the virtual environment is there.
    ///
    /// # Errors
    /// What is missing, and the cure.
    pub fn python(
        root: &Path,
        name: &'static str,
        script: &str,
        arguments: &[&str],
    ) -> Result<Self, Failure> {
        let python = root.join("target/bench-venv/bin/python");
        if !python.is_file() {
            return Err("target/bench-venv is missing: install Python 3.11 or newer and run `make bench-peers`".into());
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

    /// The Java peer `class` of `bench/peers/datafaker` on the newest JDK of this machine, if it was built.
    ///
    /// # Errors
    /// What is missing, and the cure.
    pub fn java(
        root: &Path,
        name: &'static str,
        class: &str,
        arguments: &[&str],
    ) -> Result<Self, Failure> {
        let built = root.join("target/bench-datafaker");
        if !built.join("lib").is_dir() {
            return Err("target/bench-datafaker is missing: install a JDK and Maven and run `make bench-peers`".into());
        }
        let program = newest_java()
            .ok_or("no `java` was found: install a JDK 17 or newer, or set JAVA_HOME")?;
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

/// The newest of JAVA_HOME, those where distributions put them, and the one on PATH.
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

/// The 25 of `openjdk 25.0.3 2026-04-21`.
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
            let complaint = String::from_utf8_lossy(&output.stderr);
            let last = complaint.lines().last().unwrap_or("no message");
            return Err(format!(
                "{} ended with {}: {last}",
                self.program.display(),
                output.status
            )
            .into());
        }
        parse(&String::from_utf8_lossy(&output.stdout))
    }
}

/// A run's program, rows, bytes and seconds.
///
/// # Errors
/// The line is another.
pub fn parse(line: &str) -> Result<Run, Failure> {
    let fields: Vec<_> = line.trim_end().split('\t').collect();
    let [program, rows, bytes, seconds] = fields.as_slice() else {
        return Err(format!("expected program, rows, bytes and seconds, got {line:?}").into());
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
    fn a_childs_line_becomes_its_run() {
        let run = parse("mimesis 22.2.0\t100\t12000\t0.5\n").unwrap();
        assert_eq!(
            (run.program.as_str(), run.rows, run.bytes),
            ("mimesis 22.2.0", 100, 12_000)
        );
        assert!((run.rows_per_second() - 200.0).abs() < 1e-9);
        assert!(parse("Traceback").is_err());
    }

    #[test]
    fn a_missing_environment_is_told_with_the_cure() {
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
