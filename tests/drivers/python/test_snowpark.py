"""Tests Snowpark's DataFrames with Snowglobe, as with Snowflake."""

import decimal
import sys
import unittest
from pathlib import Path

from snowflake.snowpark import Session, Window
from snowflake.snowpark import functions as f
from snowflake.snowpark.exceptions import SnowparkSQLException
from snowflake.snowpark.types import IntegerType

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import snowglobe_server  # noqa: E402

HOST, PORT = snowglobe_server.start()


class Snowpark(unittest.TestCase):
    def setUp(self):
        settings = {
            "account": "FIRN",
            "user": "SNOWGLOBE",
            "password": snowglobe_server.TOKEN,
            "host": HOST,
            "port": PORT,
            "protocol": "http",
        }
        self.session = Session.builder.configs(settings).create()
        self.addCleanup(self.session.close)
        self.session.sql("create or replace database lab").collect()
        self.frame = self.session.create_dataframe([(1, "a", 1.5), (2, "b", 2.5), (3, "b", None)], schema=["id", "k", "v"])

    def test_a_frame_is_filtered_joined_and_aggregated(self):
        self.assertEqual([row["ID"] for row in self.frame.filter(f.col("id") > 1).sort("id").collect()], [2, 3])
        names = self.session.create_dataframe([("a", "x"), ("b", "y")], schema=["k", "name"])
        joined = self.frame.join(names, "k", "left").select("id", "name").sort("id").collect()
        self.assertEqual([tuple(row) for row in joined], [(1, "x"), (2, "y"), (3, "y")])
        grouped = (
            self.frame.group_by("k").agg(f.sum("v").alias("s"), f.count("*").alias("n"), f.avg("id").alias("mean")).sort("k")
        )
        self.assertEqual(
            [tuple(row) for row in grouped.collect()], [("a", 1.5, 1, decimal.Decimal(1)), ("b", 2.5, 2, decimal.Decimal("2.5"))]
        )
        window = Window.partition_by("k").order_by("id")
        numbered = self.frame.select("id", f.row_number().over(window).alias("r")).sort("id").collect()
        self.assertEqual([row["R"] for row in numbered], [1, 1, 2])
        self.assertEqual(self.frame.union_all(self.frame).distinct().count(), 3)
        self.assertEqual(self.frame.sample(n=2).count(), 2)

    def test_a_frame_is_saved_read_and_changed(self):
        self.frame.write.mode("overwrite").save_as_table("saved")
        self.frame.write.mode("append").save_as_table("saved")
        self.frame.write.save_as_table("short_lived", table_type="temporary")
        saved = self.session.table("saved")
        self.assertEqual((saved.count(), saved.to_pandas().shape), (6, (6, 3)))
        self.assertEqual(saved.update({"v": 0.0}, f.col("id") == 1).rows_updated, 2)
        self.assertEqual(saved.delete(f.col("id") == 1).rows_deleted, 2)
        new = self.frame
        clauses = [
            f.when_matched().update({"v": f.lit(9.0)}),
            f.when_not_matched().insert({"id": new["id"], "k": new["k"], "v": new["v"]}),
        ]
        merged = saved.merge(new, saved["id"] == new["id"], clauses)
        self.assertEqual((merged.rows_inserted, merged.rows_updated), (1, 4))
        self.frame.create_or_replace_view("shown")
        self.frame.create_or_replace_temp_view("shown_here")
        self.assertEqual((self.session.table("shown").count(), self.session.table("shown_here").count()), (3, 3))
        self.assertEqual(self.frame.cache_result().count(), 3)

    def test_a_large_frame_is_bound(self):
        frame = self.session.create_dataframe([(n,) for n in range(5000)], schema=["n"])
        self.assertEqual(frame.agg(f.sum("n")).collect()[0][0], sum(range(5000)))

    def test_a_stored_procedure_is_refused(self):
        with self.assertRaises(SnowparkSQLException):
            self.session.sproc.register(lambda session: 1, return_type=IntegerType(), packages=[])


if __name__ == "__main__":
    unittest.main()
