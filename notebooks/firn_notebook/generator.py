"""Firn's generator in this process: ``firn.h`` through cffi, CSV bytes into pandas."""

import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import cffi
import pandas as pd

from .place import built, root

#: The columns that look like numbers and are none.
TEXT = {"phone": "string", "postal_code": "string", "state": "string", "op": "category", "country": "category"}
#: Half a megabyte a call: far more than a call costs.
BUFFER = 1 << 19


class FirnError(RuntimeError):
    """What the library says went wrong."""


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
    """A stream of customer changes; the same options give the same bytes on every machine.

    Options are those of ``firn generate``, as fractions and plain numbers: ``seed``, ``rows_per_file``, ``initial``, ``updates``,
    ``deletes``, ``returns``, ``late``, ``duplicates``, ``dirty``, ``gap_micros`` and others.
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
        """The stream's files, one after the other, as CSV with a header."""
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
        """Frees the stream; a second time does nothing."""
        if self._handle:
            self._lib.firn_generator_close(self._handle)
            self._handle = 0

    def __enter__(self) -> "Generator":
        return self

    def __exit__(self, *_error) -> None:
        self.close()


def frame(content: bytes) -> pd.DataFrame:
    """A file of the generator as a DataFrame, with times as times."""
    return pd.read_csv(
        io.BytesIO(content), engine="pyarrow", dtype=TEXT, parse_dates=["updated_at"], dtype_backend="numpy_nullable"
    )


def events(rows: int, **options) -> pd.DataFrame:
    """So many events as one DataFrame."""
    options.setdefault("rows_per_file", rows)
    with Generator(end=rows, **options) as generator:
        return pd.concat([frame(content) for content in generator.files()], ignore_index=True)
