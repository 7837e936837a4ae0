#!/bin/sh
# Runs in the Dockerfile: builds the Rust programs and libraries into /out. Needs PROFILE, CARGO_CACHE and TARGET_CACHE.
set -eu
export CARGO_HOME="$CARGO_CACHE" CARGO_TARGET_DIR="$TARGET_CACHE"
scripts/build.sh "$PROFILE"
scripts/native-licenses.sh /out/licenses

built=$TARGET_CACHE/$PROFILE
[ "$PROFILE" != dev ] || built=$TARGET_CACHE/debug
mkdir -p /out/bin /out/native
install -s -m 755 "$built/firn" "$built/snowglobe" /out/bin/
install -m 644 nifi-bundle/nifi-firn-nar/target/native/libfirn-*.so /out/native/
strip --strip-unneeded /out/native/*.so
