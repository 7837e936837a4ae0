"""Firn's generator in this process: calls ``firn.h`` through cffi and reads the CSV with pandas."""

import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import cffi
import pandas as pd

from .paths import built, root

#: Columns that pandas would read as numbers, or that have few distinct values.
TEXT = {"phone": "string", "postal_code": "string", "state": "string", "op": "category", "country": "category"}
#: Bytes per call: large enough that the overhead of a call is negligible.
BUFFER = 1 << 19


class FirnError(RuntimeError):
    """An error of the library."""


def _library():
    header = Path(os.environ.get("FIRN_HEADER") or root() / "rust/ffi/include/firn.h").read_text()
    plain = re.sub(r"/\*.*?\*/|//[^\n]*", "", header, flags=re.DOTALL)
    plain = re.sub(r"^#.*$", "", plain, flags=re.MULTILINE)
    plain = re.sub(r'extern "C" \{|^\}\s*$', "", plain, flags=re.MULTILINE)
    ffi = cffi.FFI()
    ffi.cdef(plain)
    path = os.environ.get("FIRN_LIBRARY") or built("libfirn_ffi.so", "libfirn_ffi.dylib")
    return ffi, ffi.dlopen(str(path))


class Generator:
    """A stream of customer changes; the same options generate the same bytes on every machine.

    Options are those of ``firn generate``, as fractions and numbers: ``seed``, ``rows_per_file``, ``initial``, ``updates``,
    ``deletes``, ``returns``, ``late``, ``duplicates``, ``malformed``, ``gap_micros`` and others.
    """

    def __init__(self, end: int = -1, **options):
        self._ffi, self._lib = _library()
        text = json.dumps(options).encode()
        self._handle = self._lib.firn_generator_open(text, self._ffi.NULL, end)
        if self._handle == 0:
            raise self._error()

    def _error(self) -> FirnError:
        return FirnError(self._ffi.string(self._lib.firn_last_error()).decode())

    def files(self) -> Iterator[bytes]:
        """Yields the files of the stream, as CSV with a header."""
        buffer = bytearray(BUFFER)
        view = self._ffi.from_buffer("uint8_t[]", buffer)
        while True:
            more = self._lib.firn_generator_next_file(self._handle)
            if more < 0:
                raise self._error()
            if more == 0:
                return
            content = bytearray()
            while (read := self._lib.firn_generator_read(self._handle, view, BUFFER)) > 0:
                content += memoryview(buffer)[:read]
            if read < 0:
                raise self._error()
            yield bytes(content)

    def close(self) -> None:
        """Frees the stream. Calling it again has no effect."""
        if self._handle:
            self._lib.firn_generator_close(self._handle)
            self._handle = 0

    def __enter__(self) -> "Generator":
        return self

    def __exit__(self, *_error) -> None:
        self.close()


def frame(content: bytes) -> pd.DataFrame:
    """A generated file as a DataFrame, with timestamps."""
    return pd.read_csv(
        io.BytesIO(content), engine="pyarrow", dtype=TEXT, parse_dates=["updated_at"], dtype_backend="numpy_nullable"
    )


def events(rows: int, **options) -> pd.DataFrame:
    """The first ``rows`` events of a stream as a DataFrame."""
    options.setdefault("rows_per_file", rows)
    with Generator(end=rows, **options) as generator:
        return pd.concat([frame(content) for content in generator.files()], ignore_index=True)
