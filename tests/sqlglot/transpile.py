"""Translates a JSON list of Snowflake statements into a JSON list of DuckDB statements; null if sqlglot cannot translate one."""

import json
import sys

import sqlglot


def duckdb(sql: str) -> str | None:
    """The statement in DuckDB's dialect, or None if sqlglot rejects it."""
    try:
        return sqlglot.transpile(sql, read="snowflake", write="duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE)[0]
    except (sqlglot.errors.SqlglotError, ValueError):
        return None


json.dump([duckdb(sql) for sql in json.load(sys.stdin)], sys.stdout)
