#!/usr/bin/env bash
# Writes META-INF/LICENSE and META-INF/NOTICE of the NAR: ours, and those of every Rust crate that is linked into the native library,
# or into other packages of the workspace: native-licenses.sh OUT_FOLDER [PACKAGE…]. A crate without a licence stops the build.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:?name the folder to write into}/META-INF
packages=("${@:2}")
[[ ${#packages[@]} -gt 0 ]] || packages=(firn-ffi)
registry=${CARGO_HOME:-$HOME/.cargo}/registry/src
mkdir -p "$out"

# "name version|licence|repository", sorted. Our own licence covers our crates.
crates=$(cargo tree --locked "${packages[@]/#/--package=}" --edges normal,no-proc-macro --prefix none --no-dedupe --format '{p}|{l}|{r}' |
    sed -E 's/ \(proc-macro\)//; s/^([^ ]+) v([^ |]+)([^|]*)/\1 \2\3/' | grep -v '(/' | sort -u)
unlicensed=$(awk -F'|' '$2 == ""' <<<"$crates")
if [[ -n $unlicensed ]]; then
    echo "FAIL  crates without a licence: $unlicensed" >&2
    exit 1
fi

# Files of the crate $1 (name-version) with names that begin with $2.
files_of() {
    find "$registry"/*/"$1" -maxdepth 1 -type f -iname "$2*" 2>/dev/null | sort
}

{
    cat LICENSE
    printf '\n%s\n\n' "--------------------------------------------------------------------------------"
    printf 'The programs and libraries in this archive contain these Rust crates, each under the licence beside it:\n\n'
    awk -F'|' '{ printf "%-44s %-40s %s\n", $1, $2, $3 }' <<<"$crates"
    # Each licence text once, with the crates that use it.
    texts=$(mktemp -d)
    trap 'rm -rf "$texts"' EXIT
    while IFS='|' read -r crate _; do
        while read -r file; do
            [[ -n $file ]] || continue
            sum=$(tr -s '[:space:]' ' ' <"$file" | sha256sum | cut -d' ' -f1)
            cp "$file" "$texts/$sum.text"
            echo "$crate" >>"$texts/$sum.crates"
        done < <(files_of "${crate/ /-}" LICEN; files_of "${crate/ /-}" COPYING)
    done <<<"$crates"
    for text in "$texts"/*.text; do
        printf '\n%s\n%s:\n\n' "--------------------------------------------------------------------------------" \
            "$(sort -u "${text%.text}.crates" | paste -sd, | sed 's/,/, /g')"
        cat "$text"
    done
} >"$out/LICENSE"

{
    printf 'Firn for Apache NiFi\n\nThis product includes software developed at The Apache Software Foundation (https://www.apache.org/): nifi-utils.\n'
    printf 'It includes jackson-core, jackson-databind and jackson-annotations (https://github.com/FasterXML/jackson), Apache License 2.0.\n'
    while IFS='|' read -r crate _; do
        while read -r file; do
            if [[ -n $file ]]; then
                printf '\n%s:\n\n' "$crate"
                cat "$file"
            fi
        done < <(files_of "${crate/ /-}" NOTICE)
    done <<<"$crates"
} >"$out/NOTICE"
