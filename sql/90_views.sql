-- 90_views.sql, rendered by `firn sql` from the contract. Change the contract, not this file.
-- Creates the history for reports: without deletes and versions of zero length, with equal neighbours joined.
-- Intervals are half-open, [valid_from, valid_to). Needs 30_tables.sql. Safe to rerun.

use role FIRN_OWNER;
use schema FIRN.PUBLIC;
create or replace view CUSTOMER_VERSIONS as
with lasting as (
  select * from CUSTOMER_HISTORY where valid_to is null or valid_from < valid_to
),
marked as (
  select lasting.*,
    iff(iff(op = 'D', 1, 0) is distinct from lag(iff(op = 'D', 1, 0)) over (partition by customer_id order by updated_at, sequence)
        or (op <> 'D' and first_name is distinct from lag(first_name) over (partition by customer_id order by updated_at, sequence))
        or (op <> 'D' and last_name is distinct from lag(last_name) over (partition by customer_id order by updated_at, sequence))
        or (op <> 'D' and email is distinct from lag(email) over (partition by customer_id order by updated_at, sequence))
        or (op <> 'D' and phone is distinct from lag(phone) over (partition by customer_id order by updated_at, sequence))
        or (op <> 'D' and street is distinct from lag(street) over (partition by customer_id order by updated_at, sequence))
        or (op <> 'D' and city is distinct from lag(city) over (partition by customer_id order by updated_at, sequence))
        or (op <> 'D' and state is distinct from lag(state) over (partition by customer_id order by updated_at, sequence))
        or (op <> 'D' and postal_code is distinct from lag(postal_code) over (partition by customer_id order by updated_at, sequence))
        or (op <> 'D' and country is distinct from lag(country) over (partition by customer_id order by updated_at, sequence)), 1, 0) as _firn_begins
  from lasting
),
numbered as (
  select marked.*, sum(_firn_begins) over (partition by customer_id order by updated_at, sequence
    rows between unbounded preceding and current row) as _firn_version
  from marked
)
select customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country,
  min(valid_from) as valid_from,
  iff(count(*) = count(valid_to), max(valid_to), null) as valid_to,
  count(*) <> count(valid_to) as is_current
from numbered
where op <> 'D'
group by customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, _firn_version;
