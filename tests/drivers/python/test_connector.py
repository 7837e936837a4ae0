"""The Python connector against Snowglobe, exactly as against Snowflake: `make test-drivers` runs each promised version."""

import datetime as dt
import decimal
import sys
import tempfile
import time
import unittest
from pathlib import Path

import snowflake.connector as sf
from snowflake.connector.errors import DatabaseError, ProgrammingError

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import globe  # noqa: E402

HOST, PORT = globe.start()


def connect(**more) -> sf.SnowflakeConnection:
    settings = {
        "account": "FIRN",
        "user": "SNOWGLOBE",
        "password": globe.TOKEN,
        "host": HOST,
        "port": PORT,
        "protocol": "http",
    }
    return sf.connect(**(settings | more))


class Connector(unittest.TestCase):
    def setUp(self):
        self.connection = connect()
        self.addCleanup(self.connection.close)
        self.cursor = self.connection.cursor()
        self.cursor.execute("create or replace database d")

    def one(self, sql: str, values=None):
        return self.cursor.execute(sql, values).fetchone()

    def test_logs_in_with_a_key_pair(self):
        with tempfile.TemporaryDirectory() as folder:
            host, port = globe.start(folder)
            key = str(Path(folder) / "rsa_key.p8")
            keyed = connect(host=host, port=port, password=None, authenticator="SNOWFLAKE_JWT", private_key_file=key)
            self.assertEqual(keyed.cursor().execute("select current_user()").fetchone(), ("SNOWGLOBE",))
            keyed.close()

    def test_a_wrong_password_is_refused(self):
        with self.assertRaises(DatabaseError) as refused:
            connect(password="wrong")
        self.assertEqual(refused.exception.errno, 390100)

    def test_every_type_comes_back_as_it_is(self):
        row = self.one(
            "select 1, 12345678901234567890, 1.50::number(5,2), 1.5::float, 'ünï', null, true, '2026-11-24'::date,"
            " '11:22:33.5'::time, '2026-11-24 11:22:33.123456'::timestamp_ntz, to_binary('AB', 'HEX'), parse_json('{\"a\": 1}')"
        )
        self.assertEqual(
            row[:11],
            (
                1,
                12345678901234567890,
                decimal.Decimal("1.50"),
                1.5,
                "ünï",
                None,
                True,
                dt.date(2026, 11, 24),
                dt.time(11, 22, 33, 500000),
                dt.datetime(2026, 11, 24, 11, 22, 33, 123456),
                b"\xab",
            ),
        )
        self.assertEqual(row[11].replace(" ", "").replace("\n", ""), '{"a":1}')

    def test_a_time_with_a_zone_knows_it(self):
        self.cursor.execute("alter session set timezone = 'Europe/Berlin'")
        at = self.one("select '2026-07-01 12:00:00'::timestamp_ltz")[0]
        self.assertEqual(at, dt.datetime(2026, 7, 1, 10, tzinfo=dt.UTC))

    def test_columns_are_described_before_the_query_runs(self):
        columns = self.cursor.describe("select 1::number(10,2) as n, 'x'::varchar(5) as t, sysdate() as at")
        self.assertEqual([column.name for column in columns], ["N", "T", "AT"])
        self.assertEqual((columns[0].precision, columns[0].scale), (10, 2))

    def test_values_are_bound(self):
        self.cursor.execute("create table t (id number, v varchar, at timestamp_ntz, b boolean)")
        at = dt.datetime(2026, 1, 2, 3, 4, 5, 678901)
        self.cursor.execute("insert into t values (%s, %s, %s, %s)", (1, "it's; \"$$", at, True))
        self.assertEqual(self.one("select * from t"), (1, "it's; \"$$", at, True))
        rows = [(n, f"v{n}", None, n % 2 == 0) for n in range(2, 500)]
        self.cursor.executemany("insert into t values (%s, %s, %s, %s)", rows)
        self.assertEqual(self.one("select count(*), sum(id) from t"), (499, sum(range(500))))

    def test_question_marks_are_bound_by_the_server(self):
        sf.paramstyle, before = "qmark", sf.paramstyle
        try:
            marked = connect()
        finally:
            sf.paramstyle = before
        cursor = marked.cursor()
        self.assertEqual(cursor.execute("select ?, ?, ?", (7, "x", None)).fetchone(), (7, "x", None))
        marked.close()

    def test_a_transaction_is_kept_or_taken_back(self):
        self.cursor.execute("create table t (id number)")
        self.connection.autocommit(False)
        self.cursor.execute("insert into t values (1)")
        self.connection.rollback()
        self.assertEqual(self.one("select count(*) from t"), (0,))
        self.cursor.execute("insert into t values (2)")
        self.connection.commit()
        self.connection.autocommit(True)
        other = connect()
        self.assertEqual(other.cursor().execute("select count(*) from d.public.t").fetchone(), (1,))
        other.close()

    def test_errors_have_snowflakes_codes(self):
        for sql, code, state in [
            ("selekt 1", 1003, "42000"),
            ("select * from nowhere", 2003, "42S02"),
            ("select 1/0", 100051, "22012"),
            ("select 'x'::number", 100038, "22018"),
            ("select nope", 904, "42000"),
        ]:
            with self.assertRaises(ProgrammingError, msg=sql) as failed:
                self.cursor.execute(sql)
            self.assertEqual((failed.exception.errno, failed.exception.sqlstate), (code, state), sql)

    def test_several_statements_have_a_result_each(self):
        self.cursor.execute("select 1; select 2", num_statements=2)
        first = self.cursor.fetchall()
        self.assertTrue(self.cursor.nextset())
        self.assertEqual((first, self.cursor.fetchall()), ([(1,)], [(2,)]))

    def test_a_query_goes_on_by_itself_and_is_asked_for_later(self):
        self.cursor.execute_async("select 42 as answer")
        query = self.cursor.sfqid
        while self.connection.is_still_running(self.connection.get_query_status(query)):
            time.sleep(0.05)
        self.cursor.get_results_from_sfqid(query)
        self.assertEqual(self.cursor.fetchall(), [(42,)])

    def test_a_query_beyond_its_timeout_is_cancelled(self):
        started = time.monotonic()
        with self.assertRaises(ProgrammingError):
            self.cursor.execute("call system$wait(60)", timeout=2)
        self.assertLess(time.monotonic() - started, 50, "it did not wait to its end")
        self.assertEqual(self.one("select 1"), (1,))

    def test_a_long_result_is_fetched_piece_by_piece(self):
        self.cursor.execute("select seq4() as n, repeat('x', 100) from table(generator(rowcount => 20000))")
        total = 0
        while rows := self.cursor.fetchmany(3000):
            total += len(rows)
        self.assertEqual(total, 20000)

    def test_the_session_is_kept_alive_and_told_of(self):
        kept = connect(client_session_keep_alive=True)
        self.assertFalse(kept.is_closed())
        self.assertTrue(kept.is_valid() if hasattr(kept, "is_valid") else True)
        kept.close()
        self.assertTrue(kept.is_closed())


if __name__ == "__main__":
    unittest.main()
