-- Functions that Snowflake has and DuckDB lacks. Branches on typeof() cost nothing at run time: DuckDB folds them.
create or replace macro sf_plain(x) as case when typeof(x) = 'JSON' then json_extract_string(x::varchar, '$') when typeof(x) = 'BOOLEAN' then x::int::varchar else trim(x::varchar) end;
-- What becomes a number: a VARIANT's value is marked with vertical tabs, which a number may end with, so that what is none is told as a VARIANT (see
-- `duckdb_errors.rs`): one tab, and two after a string.
create or replace macro sf_number_text(x) as case when typeof(x) = 'JSON'
    then list_transform([x::varchar], lambda v: case json_type(v)
        when 'BOOLEAN' then (v = 'true')::int::varchar
        when 'VARCHAR' then json_extract_string(v, '$') || chr(11) || chr(11)
        else json_extract_string(v, '$') || chr(11) end)[1]
    else sf_plain(x) end;
create or replace macro sf_fail(code, state, message) as error('SNOW|' || code || '|' || state || '|' || message);
create or replace macro sf_epoch_micros(x) as case
    when abs(try_cast(x as hugeint)) < 31536000000 then try_cast(x as bigint) * 1000000
    when abs(try_cast(x as hugeint)) < 31536000000000 then try_cast(x as bigint) * 1000
    when abs(try_cast(x as hugeint)) < 31536000000000000 then try_cast(x as bigint)
    else (try_cast(x as hugeint) // 1000)::bigint end;
create or replace macro sf_fit(x, n) as case when strlen(x) > n and length(x) > n
    then sf_fail('100078', '22000', 'String ''' || x || ''' is too long and would be truncated') else x end;
-- The scale of a quotient is that of the dividend and six more, up to twelve. "Arithmetic operators". `functions::quotient` puts these together.
create or replace macro sf_scale(kind) as coalesce(try_cast(rtrim(split_part(kind, ',', 2), ')') as int), 0);
create or replace macro sf_quotient_scale(kind) as greatest(sf_scale(kind), least(sf_scale(kind) + 6, 12))::int;
create or replace macro sf_is_float(kind) as kind in ('DOUBLE', 'FLOAT', 'VARCHAR', 'JSON');
create or replace macro sf_unscaled(x) as replace(x::varchar, '.', '')::hugeint;
create or replace macro sf_power(n) as ('1' || repeat('0', n::int))::hugeint;
-- It fails by a cast: what fails by itself could not be what a window is ordered by. `errors.rs` knows the text.
create or replace macro sf_no_quotient() as cast('Division by zero' || '' as tinyint);
-- Rounded half away from zero.
create or replace macro sf_rounded(n, d) as case when d = 0 then sf_no_quotient()
    else (2 * abs(n) + abs(d)) // (2 * abs(d)) * (case when (n < 0) = (d < 0) then 1 else -1 end) end;
create or replace macro sf_modulo(a, b) as case when b = 0 then sf_no_quotient() else a % b end;
create or replace macro sf_divide(a, b) as case when b = 0 then sf_no_quotient() else a / b end;
create or replace macro sf_add_months(d, n) as case when d = last_day(d) then last_day((d + to_months(n::int))::date) else (d + to_months(n::int))::date end;
create or replace macro sf_parse_json(x) as case when json_valid(x) then x::json else sf_fail('100069', '22P02', 'Error parsing JSON: ' || x) end;
create or replace macro sf_try_parse_json(x) as case when json_valid(x) then x::json end;
create or replace macro sf_to_json(x) as (to_json(x)::varchar);
create or replace macro sf_typeof(x) as case json_type(to_json(x))
    when 'VARCHAR' then 'VARCHAR' when 'UBIGINT' then 'INTEGER' when 'BIGINT' then 'INTEGER' when 'DOUBLE' then 'DECIMAL'
    when 'BOOLEAN' then 'BOOLEAN' when 'NULL' then 'NULL_VALUE' else json_type(to_json(x)) end;
create or replace macro sf_get(v, k) as json_extract(v, case when typeof(k) = 'VARCHAR' then '$."' || k::varchar || '"' else '$[' || k::varchar || ']' end);
create or replace macro sf_get_path(v, p) as json_extract(v, case when starts_with(p, '[') then '$' || p else '$.' || p end);
create or replace macro sf_without_nulls(x) as coalesce((select json_group_object(key, value) from json_each(x) where type <> 'NULL'), '{}'::json);
create or replace macro sf_split(x, d) as to_json(string_split(x, d));
create or replace macro sf_split_part(x, d, n) as split_part(x, d, (case when n = 0 then 1 else n end)::int);
create or replace macro sf_initcap(x) as array_to_string(list_transform(regexp_extract_all(lower(x), '[a-z0-9]+|[^a-z0-9]+'), lambda w: upper(w[1]) || w[2:]), '');
create or replace macro sf_sha2(x, bits := 256) as case when bits in (0, 256) then sha256(x) else sf_fail('000002', '0A000', 'Unsupported feature ''SHA2 of this size''.') end;
create or replace macro sf_square(x) as x * x;
create or replace macro sf_uuid() as uuid()::varchar;
-- A time without the decimals beyond its type's: `p` is the length of its last decimal in microseconds.
create or replace macro sf_cut(x, p) as x - to_microseconds(microsecond(x) % p);
create or replace macro sf_binary(x) as case when typeof(x) = 'BLOB' then try_cast(x as blob) else unhex(x::varchar) end;
create or replace macro sf_hex(x) as hex(x);
create or replace macro sf_base64(x) as to_base64(encode(x::varchar));
create or replace macro sf_charindex(needle, x, start := 1) as case when strpos(substr(x, start), needle) = 0 then 0 else strpos(substr(x, start), needle) + start - 1 end;
create or replace macro sf_random() as ((random() - 0.5) * 18446744073709551615)::hugeint;
create or replace macro sf_row_id(t, r) as sha1(t::varchar || ':' || r::varchar);
create or replace macro sf_boolean(x) as case when typeof(x) = 'VARCHAR' then case lower(x::varchar) when 'on' then 'true' when 'off' then 'false' else x::varchar end
    when typeof(x) = 'JSON' then list_transform([x::varchar], lambda v: case
        when json_type(v) = 'VARCHAR' and lower(json_extract_string(v, '$')) in ('on', 'off') then (lower(json_extract_string(v, '$')) = 'on')::varchar
        when try_cast(v::json as boolean) is not null then (try_cast(v::json as boolean))::varchar
        when json_type(v) = 'VARCHAR' then json_extract_string(v, '$') || chr(11) || chr(11)
        else json_extract_string(v, '$') || chr(11) end)[1]
    else x::boolean::varchar end;
create or replace macro sf_strtok(x, d := ' ', n := 1) as list_filter(string_split(translate(x, d, repeat(left(d, 1), length(d)::int)), left(d, 1)), lambda t: t <> '')[n::int];
create or replace macro sf_array_slice(a, f, t) as to_json(list_slice(from_json(a, '["JSON"]'),
    (case when f < 0 then greatest(json_array_length(a) + f, 0) else f end + 1)::bigint, (case when t < 0 then json_array_length(a) + t else t end)::bigint));
create or replace macro sf_weekday(name) as case left(lower(name), 2) when 'su' then 0 when 'mo' then 1 when 'tu' then 2 when 'we' then 3 when 'th' then 4
    when 'fr' then 5 when 'sa' then 6 else sf_fail('000002', '0A000', 'Unsupported feature: weekday ' || name)::int end;
create or replace macro sf_next_day(d, name) as (d + ((sf_weekday(name) - dayofweek(d) + 6) % 7 + 1)::int)::date;
create or replace macro sf_previous_day(d, name) as (d - ((dayofweek(d) - sf_weekday(name) + 6) % 7 + 1)::int)::date;
create or replace macro sf_width_bucket(x, lo, hi, n) as case when x < lo then 0 when x >= hi then n + 1 else floor((x - lo) * n / (hi - lo))::int + 1 end;
create or replace macro sf_object_insert(o, k, v, u) as case when u or not list_contains(json_keys(o), k::varchar) then json_merge_patch(o, json_object(k, v))
    else sf_fail('100078', '22000', 'Duplicate field key ' || k) end;
