#!/usr/bin/env bash
# Builds the commands `firn` and `snowglobe` and the native library of the NAR, and lays the library where the NAR's build looks, under
# the name of its platform: build.sh [CARGO_PROFILE]. A library built on another platform can be laid beside it; the NAR takes all it finds.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${1:-release}
# All in one call: alone, each would have the crates that they share compiled again, with other features.
cargo build --locked --profile "$profile" --package firn-cli --package snowglobe --package firn-ffi
case "$(uname -s) $(uname -m)" in
    "Linux x86_64") platform=linux-x86_64 ;;
    "Linux aarch64") platform=linux-aarch64 ;;
    *) echo "no native library for $(uname -s) $(uname -m), so no NAR: build that on linux x86_64 or aarch64" >&2; exit 0 ;;
esac
built=${CARGO_TARGET_DIR:-target}/$([[ $profile == dev ]] && echo debug || echo "$profile")/libfirn_ffi.so
out=nifi-bundle/nifi-firn-nar/target/native
mkdir -p "$out"
install -m 644 "$built" "$out/libfirn-$platform.so"
