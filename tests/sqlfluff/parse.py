"""Parses a JSON object of Snowflake scripts by name, and every procedure's body in them; prints what cannot be parsed as JSON."""

import json
import re
import sys

from sqlfluff.core import FluffConfig, Linter

SETTINGS = {"dialect": "snowflake", "templater": "raw", "large_file_skip_byte_limit": 0}
BODY = re.compile(r"\$\$(.*?)\$\$", re.DOTALL)


def faults(linter: Linter, name: str, sql: str) -> list[str]:
    """What the dialect does not know in a text, with the name, the line and the beginning."""
    tree = linter.parse_string(sql).tree
    if tree is None:
        return [f"{name}: nothing parsed"]
    found = []
    for part in tree.recursive_crawl("unparsable"):
        line = part.pos_marker.source_position()[0]
        found.append(f"{name} line {line}: {part.raw[:120]!r}")
    return found


def main() -> None:
    """Reads standard input, writes standard output."""
    linter = Linter(config=FluffConfig(overrides=SETTINGS))
    found, bodies = [], 0
    for name, sql in json.load(sys.stdin).items():
        found += faults(linter, name, sql)
        for number, body in enumerate(BODY.findall(sql), start=1):
            found += faults(linter, f"{name}, procedure {number},", body.strip() + "\n")
            bodies += 1
    json.dump({"bodies": bodies, "faults": found}, sys.stdout)


main()
