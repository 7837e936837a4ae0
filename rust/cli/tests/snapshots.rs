//! What `firn` prints: help texts and errors, as snapshots in `tests/cmd`. After a change of words,
//! `TRYCMD=overwrite cargo test --workspace --test snapshots` writes them anew.

#[test]
fn help_texts_and_errors_are_those_of_the_snapshots() {
    trycmd::TestCases::new()
        .env("COLUMNS", "100")
        .case("tests/cmd/*.trycmd")
        .case("tests/cmd/*/*.trycmd");
}
