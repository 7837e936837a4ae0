//! Sets where a binary searches for DuckDB's library: beside itself once installed, in `target/duckdb` while developing.

fn main() {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    if cfg!(feature = "bundled") {
        return;
    }
    // The binary's own folder: target/{debug,release}, or its `deps` for tests.
    let is_macos = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "macos");
    let origin = if is_macos { "@loader_path" } else { "$ORIGIN" };
    for folder in ["", "/../lib", "/../duckdb", "/../../duckdb"] {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{origin}{folder}");
    }
    if let Ok(dir) = std::env::var("DUCKDB_LIB_DIR") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{dir}");
    }
}
