"""Paths of Firn's programs and libraries, built in the repository or installed."""

import os
import shutil
from pathlib import Path


def root() -> Path:
    """The root of the repository that contains the notebooks."""
    return Path(__file__).resolve().parents[2]


def built(*names: str) -> Path:
    """The newest file with one of these names that cargo has built.

    Raises FileNotFoundError with the command that builds it.
    """
    target = Path(os.environ.get("CARGO_TARGET_DIR") or root() / "target")
    found = [target / profile / name for profile in ("release", "debug") for name in names]
    found = sorted((path for path in found if path.exists()), key=lambda path: path.stat().st_mtime)
    if not found:
        raise FileNotFoundError(
            f"{names[0]} is not built: run `make build-notebooks` in {root()}, or set its path (see notebooks/README.md)"
        )
    return found[-1]


def program(name: str) -> Path:
    """The path of a program: in FIRN_BIN, built, or on the PATH."""
    if folder := os.environ.get("FIRN_BIN"):
        return Path(folder) / name
    try:
        return built(name)
    except FileNotFoundError:
        if found := shutil.which(name):
            return Path(found)
        raise
