//! Project rules that no linter checks: lengths, names, module docs, imports, snapshots.

#![expect(
    clippy::expect_used,
    reason = "what surrounds a test fails as the test does"
)]

#[path = "house/circles.rs"]
mod circles;
#[path = "house/dialect.rs"]
mod dialect;
#[path = "house/literals.rs"]
mod literals;
#[path = "house/messages.rs"]
mod messages;

use std::fs;
use std::path::{Path, PathBuf};

/// How many lines a file of a room may have; clippy limits functions. A limit above 450 is a debt, which may be lowered but not raised.
const ROOMS: &[(&str, usize)] = &[
    ("rust/core/src", 450),
    ("rust/cli/src", 450),
    ("rust/ffi/src", 450),
    ("rust/snowglobe/src", 450),
    ("bench/src", 450),
];

/// Files that may be longer, with the reason.
const LONG_FILES: &[(&str, &str)] = &[(
    "rust/core/src/generator/tests.rs",
    "the tests of one stream",
)];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file below a folder with this suffix: its path from the root and its text.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder is here") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), "target" | "node_modules" | ".git") {
                    folders.push(path);
                }
            } else if name.ends_with(ending) {
                let text = fs::read_to_string(&path).expect("a text");
                let shown = path.strip_prefix(root()).expect("below the root");
                found.push((shown.to_string_lossy().into_owned(), text));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no {ending} in {folder}");
    found
}

#[test]
fn files_have_a_maximum_length() {
    let mut complaints = Vec::new();
    for (room, limit) in ROOMS {
        for (path, text) in files(room, ".rs") {
            let lines = text.lines().count();
            if lines > *limit && !LONG_FILES.iter().any(|(known, _)| *known == path) {
                complaints.push(format!(
                    "{path} has {lines} lines, at most {limit}: split it at a seam"
                ));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn a_name_says_what_lives_there() {
    for room in ["rust", "tests", "bench"] {
        for (path, _) in files(room, ".rs") {
            let vague = path.split(['/', '.']).find(|part| {
                let words = [
                    "util", "utils", "common", "helper", "helpers", "manager", "misc",
                ];
                words.contains(part)
            });
            assert_eq!(vague, None, "{path}");
        }
    }
}

#[test]
fn every_module_and_folder_is_documented() {
    for room in [
        "rust/core/src",
        "rust/cli",
        "rust/ffi",
        "rust/snowglobe/src",
        "tests",
        "bench",
    ] {
        for (path, text) in files(room, ".rs") {
            // A module's own tests need no documentation beyond their names.
            if path.ends_with("/tests.rs") {
                continue;
            }
            assert!(
                text.starts_with("//! "),
                "{path} does not say what it is for"
            );
        }
    }
    for room in [
        "rust/cli",
        "rust/snowglobe",
        "nifi-bundle",
        "docker",
        "docker/ec2",
        "sql",
        "notebooks",
        "bench",
    ] {
        assert!(
            root().join(room).join("README.md").is_file(),
            "{room} has no README.md"
        );
    }
}

#[test]
fn every_crate_comes_from_crates_io() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("a lock file");
    let sources: Vec<&str> = lock
        .lines()
        .filter_map(|line| line.strip_prefix("source = "))
        .collect();
    assert!(sources.len() > 100);
    for source in sources {
        assert_eq!(
            source,
            "\"registry+https://github.com/rust-lang/crates.io-index\""
        );
    }
}

#[test]
fn modules_have_no_circular_imports() {
    for room in [
        "rust/core/src",
        "rust/cli/src",
        "rust/ffi/src",
        "rust/snowglobe/src",
    ] {
        assert_eq!(modules(room).circles(), Vec::<Vec<String>>::new(), "{room}");
    }
}

/// The modules of the crate in a room.
fn modules(room: &str) -> circles::Crate {
    let below = |(path, text): (String, String)| {
        let path = path.strip_prefix(&format!("{room}/")).map(str::to_owned);
        (path.expect("below its room"), text)
    };
    circles::Crate::new(files(room, ".rs").into_iter().map(below))
}

/// The layers as the map lists them, the lowest first: the first word of each line of the block behind this heading.
const LAYERS: &str = "\n## Layers\n";

#[test]
fn snowglobes_modules_use_only_the_layers_below_them() {
    let path = root().join("rust/snowglobe/ARCHITECTURE.md");
    let map = fs::read_to_string(path).expect("the map is here");
    let section = map.split(LAYERS).nth(1).expect("the layers are listed");
    let section = section.split("\n## ").next().unwrap_or_default();
    let layers: Vec<String> = section
        .lines()
        .filter(|line| line.starts_with("    ") && !line.starts_with("     "))
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect();
    assert!(layers.len() > 20, "{layers:?}");
    let complaints = modules("rust/snowglobe/src").against_layers(&layers);
    assert_eq!(complaints, Vec::<String>::new());
}

#[test]
fn every_command_has_a_snapshot_of_its_help() {
    // `firn generate` has a folder of its own.
    for (program, room, elsewhere) in [
        ("firn", "rust/cli", Some("generate")),
        ("firn-bench", "bench", None),
    ] {
        let path = root().join(room).join("tests/cmd/help.trycmd");
        let text = fs::read_to_string(path).expect("the snapshot is here");
        let listed = text.split("Commands:\n").nth(1).unwrap_or_default();
        let listed = listed.split("\n\n").next().unwrap_or_default();
        let commands: Vec<&str> = listed
            .lines()
            .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
            .filter_map(|line| line.split_whitespace().next())
            .filter(|name| *name != "help")
            .collect();
        assert!(commands.len() > 5, "{commands:?}");
        for name in commands {
            let shown = format!("$ {program} {name} --help\n");
            assert!(text.contains(&shown) || Some(name) == elsewhere, "{shown}");
        }
    }
}
