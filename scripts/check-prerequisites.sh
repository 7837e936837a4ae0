#!/usr/bin/env bash
# Checks the prerequisites of a build, or of the tests: check-prerequisites.sh [test]. Prints a line with a fix for each one that is
# missing, and nothing if all are present.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
failures=0
fail() { # problem, fix
    echo "FAIL  $1. $2" >&2
    failures=1
}
missing() { # prerequisite, fix
    fail "$1 is missing" "$2"
}

if command -v cargo >/dev/null; then
    required=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    installed=$(cargo --version | cut -d' ' -f2)
    [ "$(printf '%s\n%s\n' "$required" "$installed" | sort -V | head -1)" = "$required" ] ||
        fail "Rust $installed is too old: $required or newer is required" "Run: rustup update stable"
else
    missing "cargo" "Install Rust with rustup: https://rustup.rs"
fi
command -v cc >/dev/null || missing "a C compiler" "On Debian or Ubuntu: apt-get install build-essential; on macOS: xcode-select --install"
command -v mvn >/dev/null || missing "Maven" "On Debian or Ubuntu: apt-get install maven; on macOS: brew install maven"
scripts/find-jdk.sh >/dev/null 2>&1 || missing "a JDK 21 or newer" "Install one, for example Temurin, or set JAVA_HOME"
for tool in curl unzip python3; do
    command -v "$tool" >/dev/null || missing "$tool" "On Debian or Ubuntu: apt-get install $tool"
done
python3 -c "import venv, ensurepip" 2>/dev/null || missing "Python's venv" "On Debian or Ubuntu: apt-get install python3-venv"
free_gib=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
[ "$free_gib" -ge 8 ] || fail "not enough free disk: 8 GiB required, $free_gib GiB available" "Free some space, or set CARGO_TARGET_DIR to another disk"
if [ "${1:-}" = test ]; then
    command -v npm >/dev/null || missing "Node.js with npm" "On Debian or Ubuntu: apt-get install nodejs npm"
    [ -x "${CHROMIUM:-/usr/bin/chromium}" ] || missing "Chromium" "On Debian or Ubuntu: apt-get install chromium; or set CHROMIUM to its path"
    tests/docker/run.sh engine || failures=1
fi
exit "$failures"
