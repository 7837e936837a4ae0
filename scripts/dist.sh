#!/usr/bin/env bash
# Packs the release archive of this machine's platform from target/release: target/dist/firn-VERSION-PLATFORM.tar.gz and its SBOMs.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"/\1/p' Cargo.toml)
case "$(uname -s) $(uname -m)" in
    "Linux x86_64") platform=linux-x86_64 library=libfirn.so ;;
    "Linux aarch64") platform=linux-aarch64 library=libfirn.so ;;
    "Darwin arm64") platform=macos-aarch64 library=libfirn.dylib ;;
    *) echo "FAIL  there are no releases for $(uname -s) $(uname -m). Build on linux x86_64, linux aarch64 or macOS arm64" >&2; exit 1 ;;
esac
name=firn-$version-$platform
built=${CARGO_TARGET_DIR:-target}/release
folder=target/dist/$name
rm -rf "$folder"
mkdir -p "$folder"/{bin,lib,include}

install -m 755 "$built/firn" "$built/snowglobe" "$folder/bin/"
install -m 644 "$built/libfirn_ffi.${library##*.}" "$folder/lib/$library"
# Under the name that snowglobe's loader searches for.
install -m 644 target/duckdb/libduckdb_java.so_* "$folder/lib/"
install -m 644 rust/ffi/include/firn.h "$folder/include/"
install -m 644 README.md CHANGELOG.md LICENSE NOTICE "$folder/"
scripts/native-licenses.sh target/dist/licenses firn-cli snowglobe firn-ffi
install -m 644 target/dist/licenses/META-INF/LICENSE "$folder/LICENSE-THIRD-PARTY"
rm -rf target/dist/licenses

for package in firn-cli snowglobe firn-ffi; do
    manifest=rust/${package#firn-}/Cargo.toml
    target/cargo-cyclonedx/bin/cargo-cyclonedx cyclonedx --quiet --manifest-path "$manifest" --format json --override-filename sbom
    mv "$(dirname "$manifest")/sbom.json" "target/dist/$package-$version-$platform.cdx.json"
done
find rust bench tests -maxdepth 2 -name sbom.json -delete

tar --create --gzip --file "target/dist/$name.tar.gz" --directory target/dist "$name"
rm -rf "$folder"
ls -l target/dist
