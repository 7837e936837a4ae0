"""Shared by the Python peers: the columns, a sink that counts bytes, and the output line for firn-bench."""

import csv
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

COLUMNS = [
    "op",
    "customer_id",
    "first_name",
    "last_name",
    "email",
    "phone",
    "street",
    "city",
    "state",
    "postal_code",
    "country",
    "updated_at",
    "sequence",
]
START = datetime(2026, 1, 1, tzinfo=UTC)


class CountingSink:
    """Discards text and counts it. The names are ASCII, so a character is a byte."""

    def __init__(self) -> None:
        self.bytes = 0

    def write(self, text: str) -> int:
        self.bytes += len(text)
        return len(text)


def updated_at(sequence: int) -> str:
    return (START + timedelta(milliseconds=sequence)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def run(program: str, rows: int, customer: Callable[[int], dict]) -> None:
    """Writes `rows` customers as CSV, as the tutorials do, and prints program, rows, bytes and seconds."""
    sink = CountingSink()
    writer = csv.DictWriter(sink, COLUMNS)
    started = time.perf_counter()
    writer.writeheader()
    for sequence in range(rows):
        writer.writerow(customer(sequence))
    seconds = time.perf_counter() - started
    sys.stdout.write(f"{program}\t{rows}\t{sink.bytes}\t{seconds}\n")
