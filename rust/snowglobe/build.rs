//! Tells the loader where DuckDB's library is: beside an installed binary, or in `target/duckdb` while developing.

fn main() {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    if cfg!(feature = "bundled") {
        return;
    }
    // `$ORIGIN` is the binary's own folder: target/{debug,release}, or its `deps` for tests.
    for place in [
        "$ORIGIN",
        "$ORIGIN/../lib",
        "$ORIGIN/../duckdb",
        "$ORIGIN/../../duckdb",
    ] {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{place}");
    }
    if let Ok(dir) = std::env::var("DUCKDB_LIB_DIR") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{dir}");
    }
}
