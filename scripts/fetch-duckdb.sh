#!/usr/bin/env bash
# Downloads DuckDB's native library into target/duckdb, where .cargo/config.toml points the crate `duckdb`.
# The JDBC jar on Maven Central contains it, with the whole C API; compiling DuckDB takes half an hour.
# Safe to run again; quick if the library exists.
set -euo pipefail

readonly version=2.0.0.1
readonly jar_sha256=6cb8b0e0fc51b2e45aead2d2c1e1fd09dd10267db2966e69aaab0de67319f826
root=$(cd "$(dirname "$0")/.." && pwd)
readonly root
readonly dir=$root/target/duckdb

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) member=libduckdb_java.so_linux_amd64 library=libduckdb.so ;;
    Linux-aarch64) member=libduckdb_java.so_linux_arm64 library=libduckdb.so ;;
    Darwin-arm64) member=libduckdb_java.so_macos_arm64 library=libduckdb.dylib ;;
    *)
        echo "FAIL  there is no prebuilt DuckDB library for $(uname -s)-$(uname -m). Build with --features snowglobe/bundled" >&2
        exit 1
        ;;
esac

if [[ -e $dir/$library && $(cat "$dir/version" 2>/dev/null) == "$version" ]]; then
    exit 0
fi

mkdir -p "$dir"
mvn -q dependency:copy -Dartifact="org.duckdb:duckdb_jdbc:$version" -DoutputDirectory="$dir" -Dmdep.useBaseVersion=true
readonly jar=$dir/duckdb_jdbc-$version.jar
sha256=$(sha256sum "$jar" 2>/dev/null || shasum -a 256 "$jar")
if [[ ${sha256%% *} != "$jar_sha256" ]]; then
    echo "FAIL  checksum of $jar: expected SHA-256 $jar_sha256, got ${sha256%% *}. Run again to download the file again" >&2
    rm -f "$jar"
    exit 1
fi
if command -v unzip >/dev/null; then
    unzip -q -o "$jar" "$member" -d "$dir"
else
    (cd "$dir" && jar --extract --file "$jar" "$member")
fi
rm -f "$jar"
# The linker needs the short name; the loader needs the library's SONAME, which is the name in the jar.
ln -sf "$member" "$dir/$library"
echo "$version" >"$dir/version"
