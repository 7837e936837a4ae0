// Tests snowflake-sdk with Snowglobe, as with Snowflake: `make test-drivers`.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import snowflake from "snowflake-sdk";

const { SNOWGLOBE_HOST: host, SNOWGLOBE_PORT: port, SNOWGLOBE_TOKEN: token } = process.env;
snowflake.configure({ logLevel: "OFF" });

function open(password = token) {
  const accessUrl = `http://${host}:${port}`;
  const connection = snowflake.createConnection({ account: "FIRN", username: "SNOWGLOBE", password, accessUrl });
  return new Promise((resolve, reject) => connection.connect((error) => (error ? reject(error) : resolve(connection))));
}

let connection;
const run = (sqlText, more = {}) =>
  new Promise((resolve, reject) =>
    connection.execute({ sqlText, ...more, complete: (error, statement, rows) => (error ? reject(error) : resolve(rows)) }),
  );

before(async () => {
  connection = await open();
  await run("create or replace database d");
});
after(() => new Promise((resolve) => connection.destroy(resolve)));

test("a wrong password is rejected", async () => {
  await assert.rejects(open("wrong"), (error) => String(error.code) === "390100");
});

test("every type round-trips", async () => {
  const [row] = await run(
    "select 1 as n, 1.50::number(5,2) as d, 1.5::float as f, 'ünï' as t, null as nothing, true as b, '2026-11-24'::date as day, " +
      "'2026-11-24 11:22:33.123'::timestamp_ntz as at, to_binary('AB', 'HEX') as bytes, parse_json('{\"a\": 1}') as v",
  );
  assert.deepEqual([row.N, row.D, row.F, row.T, row.NOTHING, row.B], [1, 1.5, 1.5, "ünï", null, true]);
  assert.equal(row.DAY.toISOString().slice(0, 10), "2026-11-24");
  assert.equal(row.AT.toISOString(), "2026-11-24T11:22:33.123Z");
  assert.deepEqual([...row.BYTES], [0xab]);
  assert.deepEqual(row.V, { a: 1 });
});

test("timestamps keep their time zones", async () => {
  const [row] = await run("select '2026-11-24 11:22:33.5 +0530'::timestamp_tz as tz, '2026-07-01 12:00:00 +0000'::timestamp_ltz as ltz");
  assert.equal(row.TZ.toISOString(), "2026-11-24T05:52:33.500Z");
  assert.equal(row.LTZ.toISOString(), "2026-07-01T12:00:00.000Z");
});

test("a large result is complete, an empty result is empty", async () => {
  const rows = await run("select seq4() as n, repeat('x', 200) as t from table(generator(rowcount => 50000))");
  assert.equal(rows.length, 50000);
  assert.equal(rows.reduce((sum, row) => sum + row.N, 0), (50000 * 49999) / 2);
  assert.deepEqual(await run("select 1 as n where false"), []);
});

test("a query is cancelled", async () => {
  const numbers = "(select seq8() as n from table(generator(rowcount => 1000000)))";
  const sqlText = `select count(*) from ${numbers} a, ${numbers} b where a.n + b.n = -1`;
  let statement;
  const ran = new Promise((resolve) => {
    statement = connection.execute({ sqlText, complete: (error) => resolve(error) });
  });
  let error;
  ran.then((failed) => (error = failed));
  while (!error) {
    await new Promise((resolve) => statement.cancel(() => setTimeout(resolve, 50)));
  }
  assert.equal(error.code, "000604");
  assert.equal((await run("select 1 as n"))[0].N, 1);
});

test("values are bound, one row and many", async () => {
  await run("create table t (id number, v varchar)");
  await run("insert into t values (?, ?)", { binds: [1, "it's; \"$$"] });
  await run("insert into t values (?, ?)", { binds: [[2, "two"], [3, null]] });
  const rows = await run("select * from t order by id");
  assert.deepEqual(rows.map((row) => [row.ID, row.V]), [[1, "it's; \"$$"], [2, "two"], [3, null]]);
});

test("a transaction is committed or rolled back", async () => {
  await run("create table k (id number)");
  await run("begin");
  await run("insert into k values (1)");
  await run("rollback");
  await run("begin");
  await run("insert into k values (2)");
  await run("commit");
  assert.deepEqual((await run("select id from k")).map((row) => row.ID), [2]);
});

test("errors have Snowflake's codes", async () => {
  for (const [sql, code, state] of [
    ["selekt 1", "001003", "42000"],
    ["select nope", "000904", "42000"],
    ["select * from nowhere", "002003", "42S02"],
    ["select 1/0", "100051", "22012"],
    ["select 'x'::number", "100038", "22018"],
  ]) {
    await assert.rejects(run(sql), (error) => error.code === code && error.sqlState === state, sql);
  }
});
