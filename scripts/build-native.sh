#!/usr/bin/env bash
# Builds the native library for this machine and puts it where the NAR's build looks, under the name of its platform:
# build-native.sh [CARGO_PROFILE]. A library built on another platform can be laid beside it; the NAR takes all it finds.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${1:-release}
case "$(uname -s) $(uname -m)" in
    "Linux x86_64") platform=linux-x86_64 ;;
    "Linux aarch64") platform=linux-aarch64 ;;
    *) echo "no native library for $(uname -s) $(uname -m): build on linux x86_64 or aarch64" >&2; exit 1 ;;
esac
cargo build --quiet --package firn-ffi --profile "$profile"
built=${CARGO_TARGET_DIR:-target}/$([[ $profile == dev ]] && echo debug || echo "$profile")/libfirn_ffi.so
out=nifi-bundle/nifi-firn-nar/target/native
mkdir -p "$out"
install -m 644 "$built" "$out/libfirn-$platform.so"
