#!/usr/bin/env bash
# Installs what a bare CI machine lacks. Safe to rerun; a developer's machine needs none of it.
set -euo pipefail
command -v cargo >/dev/null || { echo "cargo is missing: install Rust with rustup" >&2; exit 1; }
