-- What Snowglobe answers, beside what sqlglot (snowflake -> duckdb) and DuckDB answer: a statement a line.
-- `-- differs ANSWER: reason` above one says that Snowglobe's is ANSWER, and why it is Snowflake's.

-- Conditions.
select nvl(null, 1), nvl2(1, 'a', 'b'), nvl2(null, 'a', 'b'), coalesce(null, 2), ifnull(null, 3);
select iff(1 > 2, 'a', 'b'), iff(null, 'a', 'b'), zeroifnull(null), nullifzero(0), nullif(1, 1);
select decode(3, 1, 'one', 3, 'three', 'other'), decode(null, null, 'nothing', 'other');
select case when 1 = 1 then 'x' end, case 2 when 1 then 'a' when 2 then 'b' else 'c' end;
select equal_null(null, null), equal_null(1, null), 1 is distinct from null, null is not distinct from null;
select greatest(1, 5, 3), least(4, 2, 8);
select 1 between 0 and 2, 3 in (1, 2), 3 not in (1, 2), not true;
select booland(1, 0), boolor(1, 0), boolxor(1, 0), boolnot(0);

-- Numbers.
select 7 % 3, mod(7, 3), abs(-5), sign(-3), ceil(1.2), floor(-1.2), power(2, 10), sqrt(16);
select round(2.567, 2), round(-2.5), trunc(2.567, 1), truncate(-2.9);
select 1 + 2 * 3 - 4, -(2), 2.5 * 2, 1.10 + 2.20;
select div0(1, 0), div0(6, 3), div0null(1, null);
select square(3), cbrt(27), ln(1), log(10, 1000), exp(0), degrees(pi()), radians(180);
select bitand(6, 3), bitor(6, 3), bitxor(6, 3), bitshiftleft(1, 4), bitshiftright(16, 2);
-- differs 3.000000: "WIDTH_BUCKET"; sqlglot leaves it to DuckDB, which has no such function
select width_bucket(5, 0, 10, 5);
select 10 / 4, 1 / 3, 7 / 2.0;
select to_number('12.6', 10, 1), '12'::number(5,2), try_to_number('x'), to_decimal('7.25', 5, 2);
select '1e3'::double, 'nan'::double = 'nan'::double, to_double('2.5');

-- Text.
select upper('aé'), lower('AÉ'), initcap('hello world'), length('añb'), len('abc'), reverse('abc'), repeat('ab', 3);
select concat('a', 'b'), 'a' || 'b' || 'c', concat_ws('-', 'a', 'b'), 'a' || null;
select left('abcdef', 2), right('abcdef', 2), substr('abcdef', 2, 3), substring('abcdef', -2), substr('abc', 0, 2);
select trim('  a '), ltrim('xxa', 'x'), rtrim('axx', 'x'), trim('xax', 'x');
select lpad('7', 3, '0'), rpad('7', 3, '0'), lpad('abcdef', 3, 'x');
select replace('banana', 'an', 'o'), replace('banana', 'an'), translate('abc', 'ab', 'x');
select position('b' in 'abc'), position('b', 'abcb', 3), charindex('c', 'abc'), contains('abc', 'b'), startswith('abc', 'ab'), endswith('abc', 'bc');
-- differs ["a","b","c"] | b | c | : "SPLIT" returns an ARRAY, shown as JSON; DuckDB has a list of texts
select split('a,b,c', ','), split_part('a,b,c', ',', 2), split_part('a,b,c', ',', -1), split_part('a,b', ',', 9);
select 'abc' like 'a%', 'a_c' like 'a\\_c' escape '\\', 'ABC' ilike 'a%', 'abc' not like 'b%';
select 'abc' like any ('x%', 'a%'), 'abc' like any ('x%'), 'ABC' ilike any ('x%', 'a%'), 'abc' not like any ('x%');
select regexp_like('abc', 'a.c'), regexp_like('xabc', 'abc'), regexp_replace('abcabc', 'b', 'x'), regexp_substr('ab12', '[0-9]+'), regexp_count('banana', 'an');
select 'abc' rlike 'a.*', rlike('abc', 'b');
select ascii('A'), chr(66), md5('firn'), md5_hex('firn'), sha2('firn'), sha1('firn'), hex_encode('firn');
-- differs 12.000000 | 1.500000 | true | 12.000000 | abc: "String & binary data types": a cast to VARCHAR(3) truncates; DuckDB ignores the length
select to_varchar(12), to_char(1.50), to_varchar(true), cast(12 as varchar(5)), 'abcdef'::varchar(3);
select base64_encode('firn'), base64_decode_string('Zmlybg==');
select editdistance('kitten', 'sitting'), space(2) || 'x';
select insert('abcdef', 3, 2, 'zz');
-- differs error 002140: refused by name; DuckDB has none
select soundex('Robert');
select strtok('a.b-c', '.-', 2), strtok('a b'), strtok('a.b', '.', 3);
-- differs error 002140: refused by name
select jarowinkler_similarity('abc', 'abd');
select 'a' < 'B', 'é' > 'z', '' = ' ', 'a' = 'a ';

-- Dates and times.
-- differs 2026-03-01 | 2026-03-01 | 2026-02-28: "DATEADD": days, months and years added to a DATE give a DATE
select '2026-02-28'::date + 1, dateadd(day, 1, '2026-02-28'::date), dateadd(month, 1, '2026-01-31'::date);
select datediff(day, '2026-01-01'::date, '2026-03-01'::date), datediff(month, '2026-01-31'::date, '2026-02-01'::date), datediff(hour, '2026-01-01 00:59:00'::timestamp_ntz, '2026-01-01 01:00:00'::timestamp_ntz);
select datediff(year, '2025-12-31'::date, '2026-01-01'::date), timestampdiff(second, '2026-01-01'::timestamp_ntz, '2026-01-02'::timestamp_ntz);
select dateadd(hour, 25, '2026-01-01'::timestamp_ntz), timestampadd(minute, -1, '2026-01-01'::timestamp_ntz);
select date_trunc('month', '2026-05-17'::date), date_trunc('week', '2026-05-17'::date), trunc('2026-05-17'::date, 'year'), date_trunc(hour, '2026-05-17 11:22:33'::timestamp_ntz);
select year('2026-05-17'::date), month('2026-05-17'::date), day('2026-05-17'::date), hour('2026-05-17 11:22:33'::timestamp_ntz), minute('2026-05-17 11:22:33'::timestamp_ntz), second('2026-05-17 11:22:33'::timestamp_ntz);
select extract(year from '2026-05-17'::date), date_part(quarter, '2026-05-17'::date), quarter('2026-05-17'::date), week('2026-05-17'::date), dayofyear('2026-05-17'::date), dayofmonth('2026-05-17'::date);
select dayofweek('2026-05-17'::date), dayofweekiso('2026-05-17'::date), weekiso('2026-01-01'::date), yearofweekiso('2027-01-01'::date);
select dayname('2026-05-17'::date), monthname('2026-05-17'::date);
select last_day('2026-02-10'::date), add_months('2026-02-28'::date, 1);
-- differs error 000002: refused by name: of its fractions the documentation does not tell all
select months_between('2026-03-15'::date, '2026-02-15'::date);
select next_day('2026-05-17'::date, 'mo');
select to_date('2026-05-17'), try_to_date('nope'), to_timestamp_ntz('2026-01-01T00:00:00.000001'), '2026-01-01 10:00:00'::timestamp_ntz::date;
select to_date('17/05/2026', 'DD/MM/YYYY'), to_char('2026-05-17'::date, 'YYYY/MM/DD'), to_timestamp_ntz('2026-05-17 11:22:33', 'YYYY-MM-DD HH24:MI:SS');
select to_timestamp_ntz(1700000000), date_from_parts(2026, 5, 17), timestamp_from_parts(2026, 5, 17, 1, 2, 3), time_from_parts(1, 2, 3);
select '11:22:33'::time, to_time('11:22:33'), dateadd(hour, 1, '11:22:33'::time);
select date_part(epoch_second, '2026-01-01'::timestamp_ntz), '2026-03-01'::date - '2026-01-01'::date;
select convert_timezone('UTC', 'America/New_York', '2026-07-01 12:00:00'::timestamp_ntz);
select time_slice('2026-05-17'::date, 1, 'MONTH');

-- VARIANT.
-- differs x | 1.000000 | null | NULL: "Querying semi-structured data": a text is cast without its quotes
select parse_json('{"a": {"b": [1, "x"]}}'):a.b[1]::varchar, parse_json('{"a": 1}'):a::number, parse_json('{"a": null}'):a, parse_json('{"a": 1}'):z;
-- differs {"k":1} | [1,"x",null] | 2.000000 | 6.000000: "OBJECT_CONSTRUCT" leaves out keys whose value is null, and an ARRAY holds values of any type
select object_construct('k', 1, 'gone', null), array_construct(1, 'x', null), array_size(array_construct(1, 2)), get(array_construct(5, 6), 1);
select array_contains(2::variant, array_construct(1, 2)), array_append(array_construct(1), 2), array_cat(array_construct(1), array_construct(2)), array_to_string(array_construct('a', 'b'), '-');
-- differs INTEGER | VARCHAR | true | NULL: "TYPEOF" tells what the VARIANT holds
select typeof(parse_json('1')), typeof(parse_json('"x"')), is_null_value(parse_json('null')), try_parse_json('{');
-- differs ["a","b"] | 3.000000: "OBJECT_KEYS" returns an ARRAY, shown as JSON
select object_keys(parse_json('{"a": 1, "b": 2}')), get_path(parse_json('{"a": {"b": 3}}'), 'a.b');
-- differs error 002140: refused by name: the text of its error is Snowflake's own
select check_json('{');
-- differs 0.000000 | a / 1.000000 | b: "FLATTEN"; sqlglot's is no DuckDB
select f.index, f.value::varchar from table(flatten(input => parse_json('["a","b"]'))) f order by 1;
-- differs a | 1.000000 / b | 2.000000: "FLATTEN"; sqlglot's is no DuckDB
select f.key, f.value::number from table(flatten(parse_json('{"a": 1, "b": 2}'))) f order by 1;

-- Queries.
select count(*), count(v), sum(v), avg(v), min(v), max(v), count(distinct v) from (values (1), (2), (2), (null)) t(v);
-- differs b,a | ["a","b"]: "ARRAY_AGG" returns an ARRAY, shown as JSON
select listagg(v, ',') within group (order by v desc), array_agg(v) within group (order by v) from (select 'a' as v union all select 'b') x;
select median(v), any_value(1), count_if(v > 1), booland_agg(v > 0), boolor_agg(v > 2), approx_count_distinct(v) from (values (1), (2), (3)) t(v);
select stddev(v), variance(v), corr(v, v), max_by(w, v), min_by(w, v), mode(v) from (values (1, 'a'), (2, 'b'), (2, 'c'), (3, 'd')) t(v, w);
select percentile_cont(0.5) within group (order by v), percentile_disc(0.5) within group (order by v) from (values (1), (2), (3), (4)) t(v);
select bitand_agg(v), bitor_agg(v), bitxor_agg(v) from (values (6), (3)) t(v);
select v from (values (3), (null), (1)) t(v) order by v;
select v from (values (3), (null), (1)) t(v) order by v desc;
select v, row_number() over (order by v), rank() over (order by v), dense_rank() over (order by v) from (values (1), (1), (2)) t(v) order by 2;
select v, lag(v) over (order by v), lead(v, 1, 0) over (order by v), sum(v) over (order by v rows between unbounded preceding and current row) from (values (1), (2), (3)) t(v) order by 1;
select first_value(v) over (order by v), last_value(v) over (order by v rows between unbounded preceding and unbounded following), ntile(2) over (order by v) from (values (1), (3)) t(v) order by v;
-- differs error 002140: refused by name
select ratio_to_report(v) over () from (values (1), (3)) t(v);
select lag(v) ignore nulls over (order by k) from (values (1, 5), (2, null), (3, null)) t(k, v) order by k;
select v from (values (1), (2), (3)) t(v) qualify row_number() over (order by v desc) = 1;
select k, sum(v) as total from (values ('a', 1), ('a', 2), ('b', 5)) t(k, v) group by k having total > 2 order by k;
select k, sum(v) from (values ('a', 1), ('a', 2), ('b', 5)) t(k, v) group by all order by k;
select k, grouping(k), sum(v) from (values ('a', 1), ('b', 2)) t(k, v) group by rollup(k) order by 3;
select k, sum(v) from (values ('a', 1), ('b', 2)) t(k, v) group by grouping sets ((k), ()) order by 2;
with a as (select 1 as x), b as (select x + 1 as y from a) select * from a, b;
with recursive n as (select 1 as i union all select i + 1 from n where i < 4) select sum(i) from n;
select * from (values (1, 'a')) x(i, s) join (values (1, 'b')) y(i, t) using (i);
select x.i, y.i from (values (1), (2)) x(i) left join (values (2), (3)) y(i) on x.i = y.i order by 1;
select x.i, y.i from (values (1), (2)) x(i) full outer join (values (2), (3)) y(i) on x.i = y.i order by coalesce(x.i, y.i);
select i from (values (1), (2)) x(i) where exists (select 1 from (values (2)) y(j) where j = i);
select 1 union select 1 union all select 2 order by 1;
select 1 intersect select 1;
select 1 minus select 2;
select * exclude (b) from (select 1 as a, 2 as b, 3 as c);
select * rename (a as z) from (select 1 as a);
select * replace (a + 1 as a) from (select 1 as a);
select top 2 v from (values (3), (1), (2)) t(v) order by v;
select v from (values (3), (1), (2)) t(v) order by v limit 1 offset 1;
select v from (values (3), (1), (2)) t(v) order by v fetch first 2 rows only;
-- differs 1.000000 | a / 2.000000 | b: "VALUES": the columns are named COLUMN1 and so on
select column1, column2 from values (1, 'a'), (2, 'b') order by 1;
-- differs 1.000000 / 2.000000: "VALUES": `$1` is the first column; DuckDB takes it for a parameter
select $1 from values (1), (2) order by 1;
select * from (select 'x' as k, 1 as v) pivot (sum(v) for k in ('x', 'y'));
select seq4() from table(generator(rowcount => 3)) order by 1;
select a as b, b + 1 as c from (select 1 as a);
select try_cast('x' as number), try_cast('5' as number), cast('true' as boolean), 'no'::boolean, 1::boolean;
select to_boolean('yes'), to_boolean('off'), try_to_boolean('x');
-- differs \x46\x49 | FI | 4649.000000: "TO_BINARY" and "TO_VARCHAR" take a binary format; sqlglot does not
select to_binary('4649', 'HEX'), hex_decode_string('4649'), to_varchar(to_binary('FI', 'UTF-8'), 'HEX');
