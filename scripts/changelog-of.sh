#!/usr/bin/env bash
# Prints the section of a version in the changelog: changelog-of.sh v0.1.0
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:?name a version}
awk -v head="## [${version#v}]" 'index($0, "## [") == 1 || /^\[.*\]: / { shown = index($0, head) == 1; next } shown' CHANGELOG.md
