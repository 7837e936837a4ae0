#!/usr/bin/env bash
# Names what is missing on this machine, and its cure, before anything is built: check-prerequisites.sh [test]. Quiet when all is there.
set -uo pipefail
cd "$(dirname "$0")/.."
missing=0
need() { # what, cure
    echo "missing: $1; $2" >&2
    missing=1
}

if command -v cargo >/dev/null; then
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    have=$(cargo --version | cut -d' ' -f2)
    [ "$(printf '%s\n%s\n' "$wanted" "$have" | sort -V | head -1)" = "$wanted" ] ||
    	need "Rust $wanted or newer (here is $have)" "run: rustup update stable"
else
    need "cargo" "install Rust with rustup: https://rustup.rs"
fi
command -v cc >/dev/null || need "a C compiler" "on Debian or Ubuntu: apt-get install build-essential; on macOS: xcode-select --install"
command -v mvn >/dev/null || need "Maven" "on Debian or Ubuntu: apt-get install maven; on macOS: brew install maven"
scripts/find-jdk.sh >/dev/null 2>&1 || need "a JDK, version 21 or newer" "install one (Temurin, say) or point JAVA_HOME at it"
for tool in curl unzip python3; do
    command -v "$tool" >/dev/null || need "$tool" "on Debian or Ubuntu: apt-get install $tool"
done
python3 -c "import venv, ensurepip" 2>/dev/null || need "Python's venv" "on Debian or Ubuntu: apt-get install python3-venv"
free_gib=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
[ "$free_gib" -ge 8 ] || need "8 GiB of free disk (here are $free_gib)" "make room, or build elsewhere with CARGO_TARGET_DIR"
if [ "${1:-}" = test ]; then
    command -v npm >/dev/null || need "Node.js with npm" "on Debian or Ubuntu: apt-get install nodejs npm"
    [ -x "${CHROMIUM:-/usr/bin/chromium}" ] || need "Chromium" "on Debian or Ubuntu: apt-get install chromium; else set CHROMIUM to where it is"
    tests/docker/run.sh engine || missing=1
fi
exit "$missing"
