"""Tests SQLAlchemy and pandas with Snowglobe, as with Snowflake."""

import datetime as dt
import decimal
import sys
import unittest
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import snowglobe_server  # noqa: E402

HOST, PORT = snowglobe_server.start()


class SqlAlchemy(unittest.TestCase):
    def setUp(self):
        self.engine = self.connect("")
        with self.engine.connect() as connection:
            connection.execute(sa.text("create or replace database lab"))
        self.engine.dispose()
        self.engine = self.connect("LAB/PUBLIC")
        self.addCleanup(self.engine.dispose)

    def connect(self, schema: str) -> sa.Engine:
        url = f"snowflake://SNOWGLOBE:{snowglobe_server.TOKEN}@FIRN/{schema}"
        return sa.create_engine(url, connect_args={"host": HOST, "port": PORT, "protocol": "http"})

    def test_rows_round_trip_through_a_table(self):
        metadata = sa.MetaData()
        people = sa.Table(
            "people",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("name", sa.String(20), nullable=False),
            sa.Column("weight", sa.Float),
            sa.Column("at", sa.DateTime),
            sa.Column("is_here", sa.Boolean),
            sa.Column("amount", sa.Numeric(10, 2)),
        )
        metadata.create_all(self.engine)
        metadata.create_all(self.engine)
        at = dt.datetime(2026, 1, 2, 3, 4, 5, 6)
        row = {"name": "it''s 100%", "weight": 1.5, "at": at, "is_here": True, "amount": decimal.Decimal("2.50")}
        with self.engine.begin() as connection:
            connection.execute(people.insert(), [{"id": n, **row} for n in range(3)])
        with self.engine.connect() as connection:
            found = connection.execute(sa.select(people).where(people.c.id < 2).order_by(people.c.id.desc()).limit(1)).all()
            self.assertEqual(found, [(1, "it''s 100%", 1.5, at, True, decimal.Decimal("2.50"))])
            connection.execute(people.update().where(people.c.id == 0).values(name="first"))
            connection.execute(people.delete().where(people.c.id == 2))
            connection.commit()
            connection.execute(people.delete())
            connection.rollback()
            self.assertEqual(
                connection.execute(sa.select(people.c.name).order_by(people.c.id)).scalars().all(), ["first", "it''s 100%"]
            )
        metadata.drop_all(self.engine)
        self.assertFalse(sa.inspect(self.engine).has_table("people"))

    def test_tables_are_reflected(self):
        with self.engine.begin() as connection:
            connection.execute(
                sa.text("create table t (id number(10, 0) primary key, name varchar(20) default 'x' not null comment 'the name')")
            )
            connection.execute(sa.text("create view v as select id from t"))
        inspector = sa.inspect(self.engine)
        self.assertEqual((inspector.get_table_names(), inspector.get_view_names()), (["t"], ["v"]))
        self.assertEqual(inspector.get_schema_names(), ["public", "information_schema"])
        self.assertEqual(inspector.get_pk_constraint("t")["constrained_columns"], ["id"])
        self.assertEqual(inspector.get_foreign_keys("t"), [])
        columns = {column["name"]: column for column in inspector.get_columns("t")}
        self.assertEqual((list(columns), columns["name"]["comment"]), (["id", "name"], "the name"))
        self.assertEqual((columns["id"]["nullable"], columns["name"]["type"].length), (False, 20))
        metadata = sa.MetaData()
        metadata.reflect(bind=self.engine)
        self.assertEqual(list(metadata.tables), ["t"])

    def test_pandas_writes_and_reads_a_table(self):
        frame = pd.DataFrame(
            {
                "id": range(10),
                "name": [f"n{n}" for n in range(10)],
                "half": [n / 2 for n in range(10)],
                "at": pd.date_range("2026-01-01", periods=10),
                "is_even": [n % 2 == 0 for n in range(10)],
            }
        )
        frame.to_sql("frame", self.engine, index=False, if_exists="replace")
        frame.to_sql("frame", self.engine, index=False, if_exists="append", method="multi")
        read = pd.read_sql("select * from frame order by id", self.engine)
        self.assertEqual((len(read), list(read.columns)), (20, list(frame.columns)))
        pd.testing.assert_frame_equal(read.drop_duplicates(ignore_index=True), frame, check_dtype=False)
        self.assertEqual(len(pd.read_sql_table("frame", self.engine)), 20)


if __name__ == "__main__":
    unittest.main()
