"""Tests the Python connector with Snowglobe, as with Snowflake. `make test-drivers` runs each supported version."""

import datetime as dt
import decimal
import json
import sys
import tempfile
import time
import unittest
from pathlib import Path

import snowflake.connector as sf
from snowflake.connector.errors import DatabaseError, IntegrityError, ProgrammingError

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import snowglobe_server  # noqa: E402

HOST, PORT = snowglobe_server.start()
FORMATS = ["ARROW", "JSON"]
# A query that runs for minutes.
NUMBERS = "(select seq8() as n from table(generator(rowcount => 1000000)))"
LONG = f"select count(*) from {NUMBERS} a, {NUMBERS} b where a.n + b.n = -1"


def connect(**more) -> sf.SnowflakeConnection:
    settings = {
        "account": "FIRN",
        "user": "SNOWGLOBE",
        "password": snowglobe_server.TOKEN,
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
            host, port = snowglobe_server.start(folder)
            key = str(Path(folder) / "rsa_key.p8")
            keyed = connect(host=host, port=port, password=None, authenticator="SNOWFLAKE_JWT", private_key_file=key)
            self.assertEqual(keyed.cursor().execute("select current_user()").fetchone(), ("SNOWGLOBE",))
            keyed.close()

    def test_a_wrong_password_is_rejected(self):
        with self.assertRaises(DatabaseError) as rejected:
            connect(password="wrong")
        self.assertEqual(rejected.exception.errno, 390100)

    def read_as(self, form: str):
        self.cursor.execute(f"alter session set python_connector_query_result_format = '{form}'")

    def test_every_type_round_trips(self):
        east = dt.timezone(dt.timedelta(hours=5, minutes=30))
        for sql, value in [
            ("1", 1),
            ("-128", -128),
            ("128", 128),
            ("-32769", -32769),
            ("2147483648", 2147483648),
            ("12345678901234567890", 12345678901234567890),
            ("99999999999999999999999999999999999999", 10**38 - 1),
            ("-99999999999999999999999999999999999999", 1 - 10**38),
            ("1.50::number(5,2)", decimal.Decimal("1.50")),
            ("-0.05::number(38,2)", decimal.Decimal("-0.05")),
            ("'-1e-37'::float::number(38,37)", decimal.Decimal("-1e-37")),
            ("1.5::float", 1.5),
            ("'inf'::float", float("inf")),
            ("'\u00fcn\u00ef'", "\u00fcn\u00ef"),
            ("''", ""),
            ("null", None),
            ("true", True),
            ("false", False),
            ("'2026-11-24'::date", dt.date(2026, 11, 24)),
            ("'0001-01-01'::date", dt.date(1, 1, 1)),
            ("'9999-12-31'::date", dt.date(9999, 12, 31)),
            ("'11:22:33.5'::time", dt.time(11, 22, 33, 500000)),
            ("'23:59:59.999999'::time", dt.time(23, 59, 59, 999999)),
            ("'2026-11-24 11:22:33.123456'::timestamp_ntz", dt.datetime(2026, 11, 24, 11, 22, 33, 123456)),
            ("'1900-01-01 00:00:00.000001'::timestamp_ntz", dt.datetime(1900, 1, 1, 0, 0, 0, 1)),
            ("'9999-12-31 23:59:59.999999'::timestamp_ntz", dt.datetime(9999, 12, 31, 23, 59, 59, 999999)),
            ("'2026-11-24 11:22:33.5 +0530'::timestamp_tz", dt.datetime(2026, 11, 24, 11, 22, 33, 500000, tzinfo=east)),
            ("'1960-01-01 00:00:00.25 +0530'::timestamp_tz", dt.datetime(1960, 1, 1, 0, 0, 0, 250000, tzinfo=east)),
            ("'2026-07-01 12:00:00 +0000'::timestamp_ltz", dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)),
            ("to_binary('AB00', 'HEX')", b"\xab\x00"),
        ]:
            for form in FORMATS:
                self.read_as(form)
                # With a null in the same row and in the next row.
                self.cursor.execute(f"select {sql} as v, nullif({sql}, {sql}) union all select null, null order by 1")
                rows = self.cursor.fetchall()
                self.assertEqual(rows[0], (value, None), (sql, form))
                if value is not None:
                    self.assertEqual(rows[1], (None, None), (sql, form))
                    self.assertIsInstance(
                        rows[0][0], (bytes, bytearray) if isinstance(value, bytes) else type(value), (sql, form)
                    )
                if isinstance(value, dt.datetime):
                    self.assertEqual(rows[0][0].utcoffset() is None, value.tzinfo is None, (sql, form))

    def test_a_timestamp_keeps_its_offset(self):
        for form in FORMATS:
            self.read_as(form)
            at = self.one("select '2026-11-24 11:22:33 -0330'::timestamp_tz")[0]
            self.assertEqual(at.utcoffset(), -dt.timedelta(hours=3, minutes=30), form)

    def test_variants_are_json(self):
        for form in FORMATS:
            self.read_as(form)
            row = self.one(
                "select parse_json('{\"a\": [1, null]}'), array_construct('x'), object_construct('k', 1.5), parse_json('null')"
            )
            self.assertEqual([json.loads(text) for text in row], [{"a": [1, None]}, ["x"], {"k": 1.5}, None])

    def test_a_result_without_rows_has_its_columns(self):
        for form in FORMATS:
            self.read_as(form)
            self.cursor.execute("select 1::number(5,2) as n, 'x' as t, current_timestamp() as at where false")
            self.assertEqual([column.name for column in self.cursor.description], ["N", "T", "AT"])
            self.assertEqual(self.cursor.fetchall(), [], form)
        self.read_as("ARROW")
        frame = self.cursor.execute("select 1 as n, 'x' as t where false").fetch_pandas_all()
        self.assertEqual((list(frame.columns), len(frame)), (["N", "T"], 0))

    def test_a_large_result_is_fetched_in_chunks_as_rows_and_as_a_data_frame(self):
        sql = (
            "select seq4() as n, repeat('x', 200) as t, iff(n % 2 = 0, null, n / 4)::number(10,2) as d,"
            " dateadd(second, n, '2026-01-01'::timestamp_ntz) as at,"
            " dateadd(second, n, '2026-01-01 00:00:00 +0100'::timestamp_tz) as tz"
            " from table(generator(rowcount => 100000))"
        )
        self.cursor.execute(sql)
        self.assertGreater(len(self.cursor.get_result_batches()), 2)
        seen = count = 0
        for n, text, d, at, tz in self.cursor:
            count += 1
            seen += n
            self.assertEqual((len(text), d), (200, None if n % 2 == 0 else round(decimal.Decimal(n) / 4, 2)))
            self.assertEqual((at - dt.datetime(2026, 1, 1)).total_seconds(), n)
            self.assertEqual((tz - dt.datetime(2025, 12, 31, 23, tzinfo=dt.UTC)).total_seconds(), n)
        self.assertEqual((count, seen), (100000, sum(range(100000))))
        frame = self.cursor.execute(sql).fetch_pandas_all()
        self.assertEqual((len(frame), int(frame["N"].sum()), int(frame["D"].isna().sum())), (100000, sum(range(100000)), 50000))
        self.assertEqual(str(frame["AT"].max()), "2026-01-02 03:46:39")
        table = self.cursor.execute(sql).fetch_arrow_all()
        self.assertEqual((table.num_rows, table.column_names), (100000, ["N", "T", "D", "AT", "TZ"]))
        self.assertEqual(sum(len(frame) for frame in self.cursor.execute(sql).fetch_pandas_batches()), 100000)

    def test_a_timestamp_with_local_time_zone_has_the_zone_of_the_session(self):
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

    def test_the_server_binds_question_marks(self):
        sf.paramstyle, before = "qmark", sf.paramstyle
        try:
            marked = connect()
        finally:
            sf.paramstyle = before
        cursor = marked.cursor()
        self.assertEqual(cursor.execute("select ?, ?, ?", (7, "x", None)).fetchone(), (7, "x", None))
        east = dt.timezone(dt.timedelta(hours=5, minutes=30))
        values = [
            2.5,
            decimal.Decimal("-0.05"),
            True,
            b"\xab",
            dt.date(2026, 1, 2),
            dt.time(3, 4, 5, 6),
            dt.datetime(2026, 1, 2, 3, 4, 5, 6),
            ("TIMESTAMP_TZ", dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=east)),
            ("TIMESTAMP_LTZ", dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=east)),
        ]
        for value in values:
            plain = value[1] if isinstance(value, tuple) else value
            self.assertEqual(cursor.execute("select ?", (value,)).fetchone(), (plain,), value)
        if sf.__version__.startswith("4."):
            # The connector 5.2 sends only the instant.
            at = cursor.execute("select ?", (values[7],)).fetchone()[0]
            self.assertEqual(at.utcoffset(), dt.timedelta(hours=5, minutes=30))
        cursor.execute("create or replace table d.public.many (n number, v varchar, at timestamp_tz)")
        rows = [(n, None if n % 3 == 0 else f"v{n}", ("TIMESTAMP_TZ", dt.datetime(2026, 1, 1, tzinfo=east))) for n in range(1000)]
        cursor.executemany("insert into d.public.many values (?, ?, ?)", rows)
        self.assertEqual(cursor.rowcount, 1000)
        counted = "select count(*), sum(n), count(v), count(distinct at) from d.public.many"
        self.assertEqual(cursor.execute(counted).fetchone(), (1000, sum(range(1000)), 666, 1))
        marked.close()

    def test_a_transaction_is_committed_or_rolled_back(self):
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
        self.cursor.execute("create table short (v varchar(3), n number not null)")
        with self.assertRaises((ProgrammingError, IntegrityError)) as failed:
            self.cursor.execute("insert into short values ('abc', null)")
        self.assertEqual(failed.exception.errno, 100072)
        for sql, code, state in [
            ("selekt 1", 1003, "42000"),
            ("select * from nowhere", 2003, "42S02"),
            ("select 1/0", 100051, "22012"),
            ("select 'x'::number", 100038, "22018"),
            ("select nope", 904, "42000"),
            ("insert into short values ('abcd', 1)", 100078, "22000"),
            ("select no_such_function(1)", 2140, "42601"),
        ]:
            with self.assertRaises(ProgrammingError, msg=sql) as failed:
                self.cursor.execute(sql)
            self.assertEqual((failed.exception.errno, failed.exception.sqlstate), (code, state), sql)

    def test_each_of_several_statements_has_a_result(self):
        self.cursor.execute("select 1; select 2", num_statements=2)
        first = self.cursor.fetchall()
        self.assertTrue(self.cursor.nextset())
        self.assertEqual((first, self.cursor.fetchall()), ([(1,)], [(2,)]))

    def test_an_asynchronous_query_is_fetched_later(self):
        self.cursor.execute_async("select 42 as answer")
        query = self.cursor.sfqid
        while self.connection.is_still_running(self.connection.get_query_status(query)):
            time.sleep(0.05)
        self.cursor.get_results_from_sfqid(query)
        self.assertEqual(self.cursor.fetchall(), [(42,)])

    @unittest.skipUnless(sf.__version__.startswith("4."), "the connector 5.2 has no statement timeout")
    def test_a_query_beyond_its_timeout_is_cancelled(self):
        with self.assertRaises(ProgrammingError) as cancelled:
            self.cursor.execute(LONG, timeout=2)
        self.assertEqual(cancelled.exception.errno, 604)
        self.assertEqual(self.one("select 1"), (1,))

    def test_an_asynchronous_query_is_aborted(self):
        self.cursor.execute_async(LONG)
        query = self.cursor.sfqid
        self.assertTrue(self.connection.is_still_running(self.connection.get_query_status(query)))
        self.assertTrue(self.cursor.abort_query(query))
        while self.connection.is_still_running(status := self.connection.get_query_status(query)):
            time.sleep(0.05)
        self.assertTrue(self.connection.is_an_error(status), status)
        self.assertFalse(self.cursor.abort_query(query))
        self.assertEqual(self.one("select 1"), (1,))

    def test_a_long_result_is_fetched_in_batches(self):
        self.cursor.execute("select seq4() as n, repeat('x', 100) from table(generator(rowcount => 20000))")
        total = 0
        while rows := self.cursor.fetchmany(3000):
            total += len(rows)
        self.assertEqual(total, 20000)

    def test_a_session_with_keep_alive_is_valid_until_it_is_closed(self):
        session = connect(client_session_keep_alive=True)
        self.assertFalse(session.is_closed())
        self.assertTrue(session.is_valid() if hasattr(session, "is_valid") else True)
        session.close()
        self.assertTrue(session.is_closed())


if __name__ == "__main__":
    unittest.main()
