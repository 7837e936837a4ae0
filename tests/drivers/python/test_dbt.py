"""Tests dbt with Snowglobe: a project with seeds, views, tables, incremental models, snapshots, tests and docs, run twice."""

import json
import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

import snowflake.connector as sf
from dbt.cli.main import dbtRunner

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import snowglobe_server  # noqa: E402

HOST, PORT = snowglobe_server.start()
os.environ |= {
    "SNOWGLOBE_HOST": HOST,
    "SNOWGLOBE_PORT": str(PORT),
    "SNOWGLOBE_TOKEN": snowglobe_server.TOKEN,
    "DO_NOT_TRACK": "1",
}
# Bern has become Paris, and there is a fourth customer.
CHANGED = """id,name,city,updated_at,amount
1,Ada,Paris,2026-02-01 00:00:00,1.50
2,"O'Hara",Oslo,2026-01-02 00:00:00,2.25
3,Eve,Rome,2026-01-03 00:00:00,
4,Max,Rome,2026-02-02 00:00:00,4.00
"""


class Dbt(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.project = Path(folder.name) / "shop"
        shutil.copytree(Path(__file__).resolve().parents[1] / "dbt", self.project)
        self.dbt = dbtRunner()
        connection = sf.connect(
            account="FIRN", user="SNOWGLOBE", password=snowglobe_server.TOKEN, host=HOST, port=PORT, protocol="http"
        )
        self.addCleanup(connection.close)
        self.cursor = connection.cursor()
        self.cursor.execute("create or replace database shop")

    def run_dbt(self, *command: str):
        folders = ["--project-dir", str(self.project), "--profiles-dir", str(self.project)]
        done = self.dbt.invoke([*command, *folders, "--quiet"])
        failed = [
            f"{r.node.name}: {r.message}" for r in getattr(done.result, "results", []) if str(r.status) in ("error", "fail")
        ]
        self.assertTrue(done.success, f"dbt {' '.join(command)}: {done.exception or failed}")

    def rows(self, sql: str) -> list[tuple]:
        return self.cursor.execute(sql).fetchall()

    def test_a_project_runs_and_runs_again_with_changes(self):
        for command in ["seed", "run", "snapshot", "test"]:
            self.run_dbt(command)
        self.assertEqual(self.rows("select name from shop.public.customers order by id"), [("Ada",), ("O'Hara",), ("Eve",)])
        (self.project / "seeds" / "customers.csv").write_text(CHANGED)
        for command in ["seed", "run", "snapshot", "test"]:
            self.run_dbt(command)
        cities = "select id, city from shop.public.{} order by id, updated_at"
        changed = [(1, "Paris"), (2, "Oslo"), (3, "Rome"), (4, "Rome")]
        for model in ["inc_merge", "inc_deleteinsert"]:
            self.assertEqual(self.rows(cities.format(model)), changed, model)
        self.assertEqual(self.rows(cities.format("inc_append")), [(1, "Bern"), *changed])
        self.assertEqual(
            self.rows("select city, n from shop.public.totals order by city"), [("Oslo", 1), ("Paris", 1), ("Rome", 2)]
        )
        versions = "select id, city, dbt_valid_to is null from shop.public.{} order by id, dbt_valid_from"
        for snapshot in ["by_time", "by_check"]:
            expected = [(1, "Bern", False), (1, "Paris", True), (2, "Oslo", True), (3, "Rome", True), (4, "Rome", True)]
            self.assertEqual(self.rows(versions.format(snapshot)), expected, snapshot)
        # Descriptions are kept beside the columns.
        comments = "select comment from shop.information_schema.columns where table_name = 'INC_MERGE' and column_name = 'ID'"
        self.assertEqual(self.rows(comments), [("the key",)])
        self.run_dbt("docs", "generate")
        catalog = json.loads((self.project / "target" / "catalog.json").read_text())
        self.assertEqual(catalog["errors"], None)
        self.assertEqual(sorted(catalog["nodes"]["model.shop.staged"]["columns"]), ["AMOUNT", "CITY", "ID", "NAME", "UPDATED_AT"])
        self.assertEqual(catalog["nodes"]["model.shop.totals"]["stats"]["row_count"]["value"], 3)


if __name__ == "__main__":
    unittest.main()
