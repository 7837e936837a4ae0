//! Runs the fuzz targets on their corpus (`rust/snowglobe/fuzz`) and on randomly changed copies of it.
//!
//! `FIRN_SEED` replays the changes of a run, `FIRN_RUNS` multiplies their number.

#![expect(
    clippy::expect_used,
    reason = "what surrounds a test fails as the test does"
)]

use std::path::Path;

use rand::{RngExt, SeedableRng, rngs::StdRng};

#[path = "../../rust/snowglobe/fuzz/targets.rs"]
mod targets;

/// The corpus, and `copies` changed copies of each of its files.
fn inputs(target: &str, copies: usize) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../rust/snowglobe/fuzz/corpus")
        .join(target);
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the corpus is there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let seed = std::env::var("FIRN_SEED").map_or_else(
        |_| rand::random(),
        |text| text.parse().expect("FIRN_SEED is a number"),
    );
    println!("FIRN_SEED={seed}");
    let times =
        std::env::var("FIRN_RUNS").map_or(1, |text| text.parse().expect("FIRN_RUNS is a number"));
    let mut random = StdRng::seed_from_u64(seed);
    let whole: Vec<Vec<u8>> = paths
        .iter()
        .map(|path| std::fs::read(path).expect("a file"))
        .collect();
    let mut inputs = whole.clone();
    for content in &whole {
        for _ in 0..copies * times {
            inputs.push(changed(content, &whole, &mut random));
        }
    }
    inputs
}

/// A copy with one to four changes: another byte, a cut, a repeated piece, a piece of another file.
fn changed(content: &[u8], others: &[Vec<u8>], random: &mut StdRng) -> Vec<u8> {
    let mut bytes = content.to_vec();
    for _ in 0..random.random_range(1..=4) {
        let at = random.random_range(0..=bytes.len());
        let end = random.random_range(at..=bytes.len().min(at + 20));
        match random.random_range(0..5) {
            0 if at < bytes.len() => bytes[at] = random.random(),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            3 => {
                let signs = b"'\"$;(),:@\\\0\n\xff0";
                bytes.insert(at, signs[random.random_range(0..signs.len())]);
            }
            _ => {
                let other = &others[random.random_range(0..others.len())];
                let from = random.random_range(0..=other.len());
                let piece = other[from..other.len().min(from + 20)].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

#[test]
fn any_text_is_executed_or_rejected() {
    let _closing = targets::Closing;
    for input in inputs("sql", 4) {
        targets::sql(&String::from_utf8_lossy(&input));
    }
}

#[test]
fn any_file_is_loaded_or_reported() {
    let _closing = targets::Closing;
    for input in inputs("csv", 60) {
        targets::csv(&input);
    }
}

#[test]
fn the_server_survives_any_bytes_on_its_sockets() {
    for input in inputs("http", 30) {
        targets::http(&input);
    }
}
