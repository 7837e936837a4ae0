//! What `firn` prints: help texts and errors, as snapshots in `tests/cmd`. After a change of words,
//! `TRYCMD=overwrite cargo test --workspace --test snapshots` writes them anew.

#[test]
fn help_texts_and_errors_are_those_of_the_snapshots() {
    trycmd::TestCases::new()
        .env("COLUMNS", "100")
        .case("tests/cmd/*.trycmd")
        .case("tests/cmd/*/*.trycmd");
}

#[test]
fn every_command_has_a_snapshot_of_its_help() {
    let text = include_str!("cmd/help.trycmd");
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
        let shown = format!("$ firn {name} --help\n");
        assert!(text.contains(&shown) || name == "generate", "{shown}");
    }
}
