package io.firn.drivers;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.Instant;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests Snowflake's JDBC driver with Snowglobe, as with Snowflake: {@code make test-drivers}. */
final class JdbcDriverTest {
    private Connection connection;

    private static Connection open(String password) throws SQLException {
        final Properties properties = new Properties();
        properties.put("user", "SNOWGLOBE");
        properties.put("password", password);
        properties.put("account", "FIRN");
        properties.put("ssl", "off");
        final String address = System.getenv("SNOWGLOBE_HOST") + ":" + System.getenv("SNOWGLOBE_PORT");
        return DriverManager.getConnection("jdbc:snowflake://http://" + address, properties);
    }

    @BeforeEach
    void connect() throws SQLException {
        connection = open(System.getenv("SNOWGLOBE_TOKEN"));
        run("create or replace database d");
    }

    @AfterEach
    void disconnect() throws SQLException {
        connection.close();
    }

    private void run(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private long number(String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            assertTrue(rows.next());
            return rows.getLong(1);
        }
    }

    @Test
    void aWrongPasswordIsRejected() {
        final SQLException rejected = assertThrows(SQLException.class, () -> open("wrong"));
        assertEquals(390100, rejected.getErrorCode());
    }

    @ParameterizedTest
    @ValueSource(strings = {"ARROW", "JSON"})
    void everyTypeRoundTrips(String format) throws SQLException {
        run("alter session set jdbc_query_result_format = '" + format + "'");
        final String sql = "select 1, 1.50::number(5,2), 1.5::float, 'ünï', null, true, '2026-11-24'::date, "
                + "'2026-11-24 11:22:33.123456'::timestamp_ntz, to_binary('AB', 'HEX'), parse_json('{\"a\": 1}'), '11:22:33'::time, "
                + "99999999999999999999999999999999999999, -0.05::number(38,2), '2026-11-24 11:22:33.5 +0530'::timestamp_tz, "
                + "'2026-07-01 12:00:00 +0000'::timestamp_ltz, -32769, 2147483648";
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            assertTrue(rows.next());
            assertEquals(1, rows.getInt(1));
            assertEquals(new BigDecimal("1.50"), rows.getBigDecimal(2));
            assertEquals(1.5, rows.getDouble(3));
            assertEquals("ünï", rows.getString(4));
            assertNull(rows.getString(5));
            assertTrue(rows.getBoolean(6));
            assertEquals("2026-11-24", rows.getDate(7).toString());
            assertTrue(rows.getString(8).startsWith("2026-11-24 11:22:33.123"), rows.getString(8));
            assertArrayEquals(new byte[] {(byte) 0xab}, rows.getBytes(9));
            assertEquals("{\"a\":1}", rows.getString(10).replaceAll("\\s", ""));
            assertEquals("11:22:33", rows.getString(11));
            assertEquals(new BigDecimal("99999999999999999999999999999999999999"), rows.getBigDecimal(12));
            assertEquals(new BigDecimal("-0.05"), rows.getBigDecimal(13));
            assertEquals(Instant.parse("2026-11-24T05:52:33.500Z"), rows.getTimestamp(14).toInstant());
            assertEquals("2026-11-24 11:22:33.500 +0530", rows.getString(14));
            assertEquals(Instant.parse("2026-07-01T12:00:00Z"), rows.getTimestamp(15).toInstant());
            assertEquals(-32769, rows.getInt(16));
            assertEquals(2147483648L, rows.getLong(17));
            assertEquals(Types.TIMESTAMP, rows.getMetaData().getColumnType(8));
            assertFalse(rows.next());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ARROW", "JSON"})
    void aLargeResultIsCompleteAndAnEmptyResultHasItsColumns(String format) throws SQLException {
        run("alter session set jdbc_query_result_format = '" + format + "'");
        final String sql = "select seq4() as n, repeat('x', 200) as t, iff(n % 2 = 0, null, n) as half from table(generator(rowcount => 50000))";
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            long sum = 0;
            int count = 0;
            int nulls = 0;
            while (rows.next()) {
                count++;
                sum += rows.getLong(1);
                assertEquals(200, rows.getString(2).length());
                rows.getLong(3);
                nulls += rows.wasNull() ? 1 : 0;
            }
            assertEquals(50000, count);
            assertEquals(50000L * 49999 / 2, sum);
            assertEquals(25000, nulls);
        }
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("select 1::number(5,2) as n where false")) {
            assertEquals("N", rows.getMetaData().getColumnName(1));
            assertEquals(2, rows.getMetaData().getScale(1));
            assertFalse(rows.next());
        }
    }

    @Test
    void aQueryIsCancelledFromAnotherThread() throws Exception {
        final String numbers = "(select seq8() as n from table(generator(rowcount => 1000000)))";
        try (Statement statement = connection.createStatement()) {
            final AtomicReference<SQLException> failure = new AtomicReference<SQLException>();
            final Thread runner = new Thread(() -> failure.set(assertThrows(
                    SQLException.class, () -> statement.executeQuery("select count(*) from " + numbers + " a, " + numbers + " b where a.n + b.n = -1"))));
            runner.start();
            while (runner.isAlive()) {
                try {
                    statement.cancel();
                } catch (SQLException notRunningYet) {
                    assertEquals(605, notRunningYet.getErrorCode());
                }
                runner.join(50);
            }
            assertEquals(604, failure.get().getErrorCode());
        }
        assertEquals(1, number("select 1"));
    }

    @Test
    void valuesAreBoundInRowsAndInBatches() throws SQLException {
        run("create table t (id number, v varchar)");
        try (PreparedStatement insert = connection.prepareStatement("insert into t values (?, ?)")) {
            insert.setInt(1, 1);
            insert.setString(2, "it's; \"$$");
            assertEquals(1, insert.executeUpdate());
            for (int id = 2; id <= 50; id++) {
                insert.setInt(1, id);
                insert.setNull(2, Types.VARCHAR);
                insert.addBatch();
            }
            insert.executeBatch();
        }
        assertEquals(50, number("select count(*) from t"));
        assertEquals(1, number("select count(*) from t where v = 'it''s; \"$$'"));
    }

    @Test
    void aTransactionIsCommittedOrRolledBack() throws SQLException {
        run("create table t (id number)");
        connection.setAutoCommit(false);
        run("insert into t values (1)");
        connection.rollback();
        run("insert into t values (2)");
        connection.commit();
        connection.setAutoCommit(true);
        assertEquals(2, number("select sum(id) from t"));
    }

    @Test
    void errorsHaveSnowflakesCodes() {
        final SQLException missing = assertThrows(SQLException.class, () -> run("select * from nowhere"));
        assertEquals(2003, missing.getErrorCode());
        assertEquals("42S02", missing.getSQLState());
        final SQLException zero = assertThrows(SQLException.class, () -> run("select 1/0"));
        assertEquals(100051, zero.getErrorCode());
        assertEquals("22012", zero.getSQLState());
        assertEquals(1003, assertThrows(SQLException.class, () -> run("selekt 1")).getErrorCode());
        assertEquals(904, assertThrows(SQLException.class, () -> run("select nope")).getErrorCode());
        assertEquals(100038, assertThrows(SQLException.class, () -> run("select 'x'::number")).getErrorCode());
    }

    @Test
    void metadataListsTables() throws SQLException {
        run("create table listed (id number)");
        try (ResultSet tables = connection.getMetaData().getTables("D", "PUBLIC", "LISTED", null)) {
            assertTrue(tables.next());
            assertEquals("LISTED", tables.getString("TABLE_NAME"));
        }
    }
}
