#!/usr/bin/env bash
# Builds the commands `firn` and `snowglobe` and the native library, and copies the library into the NAR's build folder, named after
# its platform: build.sh [CARGO_PROFILE]. The NAR contains every library in that folder, so libraries of other platforms can be added.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${1:-release}
# One call: separate calls would compile shared crates again, with different features.
cargo build --locked --profile "$profile" --package firn-cli --package snowglobe --package firn-ffi
case "$(uname -s) $(uname -m)" in
    "Linux x86_64") platform=linux-x86_64 ;;
    "Linux aarch64") platform=linux-aarch64 ;;
    *) echo "skipping the native library: the NAR supports linux x86_64 and aarch64, not $(uname -s) $(uname -m)" >&2; exit 0 ;;
esac
built=${CARGO_TARGET_DIR:-target}/$([[ $profile == dev ]] && echo debug || echo "$profile")/libfirn_ffi.so
out=nifi-bundle/nifi-firn-nar/target/native
mkdir -p "$out"
install -m 644 "$built" "$out/libfirn-$platform.so"
