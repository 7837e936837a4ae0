//! Snapshots of the help texts and errors of `firn`, in `tests/cmd`. After a change of a text,
//! `TRYCMD=overwrite cargo test --workspace --test snapshots` writes them again.

#[test]
fn help_texts_and_errors_match_the_snapshots() {
    trycmd::TestCases::new()
        .env("COLUMNS", "100")
        .case("tests/cmd/*.trycmd")
        .case("tests/cmd/*/*.trycmd");
}
