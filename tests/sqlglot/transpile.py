"""Snowflake's SQL in, DuckDB's out: a JSON list of statements each. What sqlglot cannot say is null."""

import json
import sys

import sqlglot


def duckdb(sql: str) -> str | None:
    """The statement in DuckDB's dialect, or None if sqlglot refuses it."""
    try:
        return sqlglot.transpile(
            sql, read="snowflake", write="duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE
        )[0]
    except (sqlglot.errors.SqlglotError, ValueError):
        return None


json.dump([duckdb(sql) for sql in json.load(sys.stdin)], sys.stdout)
