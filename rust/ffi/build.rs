//! Links the library so that it is never unmapped.

fn main() {
    // NiFi drops a class loader when a NAR is replaced, and the JVM then unloads its library. Threads and thread-local destructors of
    // the Rust runtime may still run at that moment, so the code has to stay mapped.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
