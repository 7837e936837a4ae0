-- TIMESTAMP_TZ: an instant and the offset that it was written with. "Date & time data types": values are compared by their instants, and
-- "all operations are performed with the time zone offset specific to each record".
--
-- It is kept in an INTERVAL, since DuckDB compares, sorts, groups and hashes intervals by their length and keeps how they are made up:
-- the length is the instant (30 days to a month), and the months are the offset, in minutes and 1440 more. No part is ever negative.
-- No other value of Snowglobe is an interval, so a macro with `x interval` is the one for TIMESTAMP_TZ, and the one without a type for all else.
-- DuckDB takes the one for intervals too where it does not know the type yet: of an aggregate, a window or a subquery. There
-- `sql/fragment` writes the name with `_any`, whose branches on typeof() are folded.
create or replace macro sf_no_tz(kind) as case when kind = 'INTERVAL' then sf_fail('000002', '0A000',
    'Unsupported feature ''a function of a TIMESTAMP_TZ out of an aggregate, a window or a subquery: select the value in a subquery of FROM, and use it outside''.') end;
create or replace macro sf_tz(micros, minutes) as
    to_months((minutes + 1440)::int)
    + to_days(((micros + 69120000000000000) // 86400000000 - 30 * (minutes + 1440))::int)
    + to_microseconds(((micros + 69120000000000000) % 86400000000)::bigint);
create or replace macro sf_tz_months(x) as (date_part('year', x::interval) * 12 + date_part('month', x::interval))::bigint;
create or replace macro sf_tz_minutes(x) as (sf_tz_months(x) - 1440);
create or replace macro sf_tz_micros(x) as
    ((sf_tz_months(x) * 30 + date_part('day', x::interval) - 800000) * 86400000000
    + date_part('hour', x::interval) * 3600000000 + date_part('minute', x::interval) * 60000000 + date_part('microsecond', x::interval))::bigint;
-- DuckDB writes a macro out wherever it stands, so a value that is used often goes through a lambda: it stands there once.
-- The wall clock where the value was written; everything else is as it is.
create or replace macro sf_local_any(x) as case when typeof(x) = 'INTERVAL' then sf_no_tz(typeof(x)) else x end;
create or replace macro sf_local
    (x interval) as list_transform([x::interval], lambda v: make_timestamp(sf_tz_micros(v) + sf_tz_minutes(v) * 60000000))[1],
    (x) as x;
-- The instant; everything else is as it is.
create or replace macro sf_instant_any(x) as case when typeof(x) = 'INTERVAL' then sf_no_tz(typeof(x)) else x end;
create or replace macro sf_instant
    (x interval) as list_transform([x::interval], lambda v: make_timestamptz(sf_tz_micros(v)))[1],
    (x) as x;
-- Minutes between the wall clock in the session's time zone and UTC.
create or replace macro sf_zone_minutes(t) as list_transform([t::timestamptz], lambda v: (epoch_us(v::timestamp) - epoch_us(v)) // 60000000)[1];
create or replace macro sf_tz_here(t) as list_transform([t::timestamptz], lambda v: sf_tz(epoch_us(v), (epoch_us(v::timestamp) - epoch_us(v)) // 60000000))[1];
create or replace macro sf_tz_of_wall(wall, minutes) as list_transform([[epoch_us(wall), minutes::bigint]], lambda v: sf_tz(v[1] - v[2] * 60000000, v[2]))[1];
create or replace macro sf_tz_zone() as '\s*(Z|[+-]\d{1,2}(:?\d{2})?)$';
-- The minutes of `+01:00`, `+0100`, `+01`, `+1` or `Z`.
create or replace macro sf_offset(zone) as case when zone = 'Z' then 0 else
    (case when zone[1] = '-' then -1 else 1 end)
    * (60 * regexp_extract(zone, '^[+-](\d{1,2})(:?\d{2})?$', 1)::bigint
        + ('0' || regexp_extract(zone, '^[+-]\d{1,2}:?(\d{2})$', 1))::bigint) end;
-- The mark of what becomes a TIMESTAMP_NTZ, _LTZ or _TZ (1 to 3) and was a VARIANT: see `duckdb_errors.rs`.
create or replace macro sf_variant_mark(kind, target) as case when kind = 'JSON' then chr(57344 + target) else '' end;
create or replace macro sf_tz_text(x, mark := '') as list_transform([x::varchar], lambda t: case
    when regexp_full_match(t, '\d{1,4}-\d{1,2}-\d{1,2}[ T]\d{1,2}:\d{2}(:\d{2}(\.\d*)?)?\s*(Z|[+-]\d{1,2}(:?\d{2})?)')
        then sf_tz_of_wall(cast(regexp_replace(t, sf_tz_zone(), '') as timestamp), sf_offset(regexp_extract(t, sf_tz_zone(), 1)))
    when regexp_full_match(t, '-?\d+') then sf_tz_here(make_timestamptz(sf_epoch_micros(t)))
    when regexp_full_match(t, '[-0-9:T. /]*') and (mark = '' or try_cast(t as timestamp) is not null) then sf_tz_here(cast(cast(t as timestamp) as timestamptz))
    -- It fails by a cast, since TRY takes no function that fails by itself; U+E000 keeps what only DuckDB takes for a time from being one,
    -- and the mark before it tells that it was a VARIANT.
    else sf_tz_here(cast(cast(t || mark || chr(57344) as timestamp) as timestamptz)) end)[1];
create or replace macro sf_timestamp_tz
    (x interval) as x::interval,
    (x) as case
        when typeof(x) in ('VARCHAR', 'JSON') then sf_tz_text(sf_plain(x), sf_variant_mark(typeof(x), 3))
        when typeof(x) in ('TIMESTAMP', 'DATE', 'TIMESTAMP WITH TIME ZONE') then sf_tz_here(cast(x::varchar as timestamptz))
        else sf_tz_here(make_timestamptz((cast(x::varchar as decimal(38, 6)) * 1000000)::bigint)) end;
create or replace macro sf_timestamp_tz_any(x) as case
    when typeof(x) = 'INTERVAL' then try_cast(x as interval)
    when typeof(x) in ('VARCHAR', 'JSON') then sf_tz_text(sf_plain(x), sf_variant_mark(typeof(x), 3))
    when typeof(x) in ('TIMESTAMP', 'DATE', 'TIMESTAMP WITH TIME ZONE') then sf_tz_here(cast(x::varchar as timestamptz))
    else sf_tz_here(make_timestamptz((cast(x::varchar as decimal(38, 6)) * 1000000)::bigint)) end;
-- A moment shown in the session's time zone, or with its own offset. U+E000 to U+E003 stand for the elements TZH:TZM, TZHTZM, TZH and TZM.
create or replace macro sf_zone_text(minutes) as list_transform([minutes],
    lambda m: (case when m < 0 then '-' else '+' end) || lpad((abs(m) // 60)::varchar, 2, '0') || lpad((abs(m) % 60)::varchar, 2, '0'))[1];
create or replace macro sf_zone_put(text, z) as
    replace(replace(replace(replace(text, chr(57344), z[:3] || ':' || z[4:]), chr(57345), z), chr(57346), z[:3]), chr(57347), z[4:]);
create or replace macro sf_zone_shown(text, minutes) as list_transform([sf_zone_text(minutes)], lambda z: sf_zone_put(text, z))[1];
-- "Date and time input and output formats": without a time zone, the indicator of UTC is shown.
-- Without lambdas, which take no subquery.
create or replace macro sf_strftime_any(x, format) as case
    when typeof(x) = 'INTERVAL' then sf_no_tz(typeof(x))
    when typeof(x) = 'TIMESTAMP WITH TIME ZONE'
    then sf_zone_put(strftime(cast(x::varchar as timestamptz)::timestamp, format), rpad(strftime(cast(x::varchar as timestamptz), '%z'), 5, '0'))
    else regexp_replace(strftime(cast(x::varchar as timestamp), format), '[\x{E000}-\x{E002}]|\x{E003}', 'Z', 'g') end;
create or replace macro sf_strftime
    (x interval, format) as list_transform([x::interval], lambda v: sf_zone_shown(strftime(make_timestamp(sf_tz_micros(v) + sf_tz_minutes(v) * 60000000), format), sf_tz_minutes(v)))[1],
    (x, format) as case when typeof(x) = 'TIMESTAMP WITH TIME ZONE'
        then sf_zone_shown(strftime(cast(x::varchar as timestamptz)::timestamp, format), sf_zone_minutes(cast(x::varchar as timestamptz)))
        else regexp_replace(strftime(coalesce(try_cast(x as timestamp), try_cast('1970-01-01 ' || x::varchar as timestamp)), format), '[\x{E000}-\x{E002}]|\x{E003}', 'Z', 'g') end;
-- It holds nothing that may fail by itself: such a text could not be what a window is ordered by.
create or replace macro sf_text_plain(x) as case
        when typeof(x) = 'TIMESTAMP' then strftime(cast(x::varchar as timestamp), '%Y-%m-%d %H:%M:%S.%g')
        when typeof(x) = 'TIMESTAMP WITH TIME ZONE'
            then regexp_replace(strftime(cast(x::varchar as timestamptz), '%Y-%m-%d %H:%M:%S.%g %z'), '([+-][0-9]{2})$', '\100')
        when typeof(x) = 'JSON' then json_extract_string(x::varchar, '$')
        when typeof(x) = 'BLOB' then hex(encode(x::varchar))
        when typeof(x) = 'DOUBLE' then regexp_replace(x::varchar, '\.0$', '')
        when typeof(x) = 'TIME' then left(x::varchar, 8)
        else x::varchar end;
create or replace macro sf_text_any(x) as case when typeof(x) = 'INTERVAL' then sf_no_tz(typeof(x)) else sf_text_plain(x) end;
create or replace macro sf_text
    (x interval) as sf_strftime(x, '%Y-%m-%d %H:%M:%S.%g ' || chr(57345)),
    (x) as sf_text_plain(x);
-- Part of a longer text, or of a VARIANT.
create or replace macro sf_member_any(x) as case when typeof(x) = 'INTERVAL' then sf_no_tz(typeof(x)) else x end;
create or replace macro sf_member
    (x interval) as sf_text(x),
    (x) as x;
create or replace macro sf_variant(x) as to_json(sf_member(x));
create or replace macro sf_variant_any(x) as to_json(sf_member_any(x));
create or replace macro sf_to_array(x) as case when json_type(sf_variant(x)) = 'ARRAY' then sf_variant(x) else json_array(sf_member(x)) end;
create or replace macro sf_to_array_any(x) as case when json_type(sf_variant_any(x)) = 'ARRAY' then sf_variant_any(x) else json_array(sf_member_any(x)) end;
create or replace macro sf_timestamp_of_any(x) as coalesce(try_cast(x as timestamp), case
    when typeof(x) in ('TIMESTAMP', 'DATE', 'TIMESTAMP WITH TIME ZONE') then null
    when typeof(x) in ('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'DOUBLE', 'FLOAT') or typeof(x) like 'DECIMAL%' then make_timestamp((try_cast(x::varchar as decimal(38, 6)) * 1000000)::bigint)
    when regexp_full_match(sf_plain(x), '-?[0-9]+') then make_timestamp(sf_epoch_micros(sf_plain(x)))
    when x is null then null
    else cast(sf_plain(x) || sf_variant_mark(typeof(x), 1) as timestamp) end);
create or replace macro sf_timestamp_any(x) as case when typeof(x) = 'INTERVAL' then sf_no_tz(typeof(x)) else sf_timestamp_of_any(x) end;
create or replace macro sf_timestamp
    (x interval) as sf_local(x),
    (x) as sf_timestamp_of_any(x);
create or replace macro sf_timestamp_ltz_any(x) as case
        when typeof(x) = 'INTERVAL' then sf_no_tz(typeof(x))
        when typeof(x) in ('VARCHAR', 'JSON') then coalesce(try_cast(sf_plain(x) as timestamptz), sf_instant(sf_tz_text(sf_plain(x), sf_variant_mark(typeof(x), 2))))
        when typeof(x) in ('TIMESTAMP', 'DATE', 'TIMESTAMP WITH TIME ZONE') then cast(x::varchar as timestamptz)
        else to_timestamp(cast(x::varchar as double)) end;
create or replace macro sf_timestamp_ltz
    (x interval) as sf_instant(x),
    (x) as sf_timestamp_ltz_any(x);
-- The same for another moment of its kind: what DATEADD and DATE_TRUNC do to the wall clock keeps the offset.
create or replace macro sf_shift_any(x, span) as case when typeof(x) = 'INTERVAL' then sf_no_tz(typeof(x)) else x + span end;
create or replace macro sf_shift
    (x interval, span) as list_transform([x::interval], lambda v: sf_tz_of_wall(sf_local(v) + span, sf_tz_minutes(v)))[1],
    (x, span) as x + span;
create or replace macro sf_date_trunc_any(part, x) as case when typeof(x) = 'INTERVAL' then sf_no_tz(typeof(x)) else date_trunc(part, x) end;
create or replace macro sf_date_trunc
    (part, x interval) as list_transform([x::interval], lambda v: sf_tz_of_wall(date_trunc(part, sf_local(v)), sf_tz_minutes(v)))[1],
    (part, x) as date_trunc(part, x);
create or replace macro sf_date_diff_any(part, x, y) as case when typeof(x) = 'INTERVAL' or typeof(y) = 'INTERVAL' then sf_no_tz('INTERVAL') else date_diff(part, x, y) end;
create or replace macro sf_date_diff
    (part, x interval, y interval) as list_transform([[x::interval, y::interval]], lambda v: case
        when sf_tz_minutes(v[1]) = sf_tz_minutes(v[2]) then date_diff(part, sf_local(v[1]), sf_local(v[2]))
        when sf_tz_minutes(v[1]) <> sf_tz_minutes(v[2])
        then sf_fail('000002', '0A000', 'Unsupported feature ''DATEDIFF of TIMESTAMP_TZ values with different offsets: convert both to one time zone first''.') end)[1],
    (part, x, y) as date_diff(part, x, y);
create or replace macro sf_convert_timezone(zone, x) as list_transform([sf_instant(sf_timestamp_tz(x))],
    lambda v: sf_tz(epoch_us(v), (epoch_us(v at time zone zone) - epoch_us(v)) // 60000000))[1];
create or replace macro sf_convert_timezone_any(zone, x) as list_transform([sf_instant_any(sf_timestamp_ltz_any(x))],
    lambda v: sf_tz(epoch_us(v), (epoch_us(v at time zone zone) - epoch_us(v)) // 60000000))[1];
-- What is compared with a TIMESTAMP_TZ becomes one.
create or replace macro sf_beside_any(other, x) as case when typeof(other) = 'INTERVAL' then sf_no_tz(typeof(other)) else x end;
create or replace macro sf_beside
    (other interval, x) as sf_timestamp_tz(x),
    (other, x) as x;
-- What DuckDB can add up, and Snowflake cannot.
create or replace macro sf_summand_any(x) as case when typeof(x) = 'INTERVAL' then sf_no_tz(typeof(x)) else x end;
create or replace macro sf_summand
    (x interval) as case when typeof(x) = 'INTERVAL' then sf_fail('001044', '42P13', 'SQL compilation error:\nInvalid argument types for an aggregate function: (TIMESTAMP_TZ(9))')::double end,
    (x) as x;
create or replace macro sf_tz_only
    (x interval) as x::interval;
