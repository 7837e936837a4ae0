-- Runs for each file. As the tutorials advise, two changes of a customer in a batch are not an error: an arbitrary one of them wins.

alter session set ERROR_ON_NONDETERMINISTIC_MERGE = false;

copy into TUTORIAL_RAW
from (select $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 from @CUSTOMER_STAGE)
on_error = continue;

merge into TUTORIAL_CUSTOMER c
using TUTORIAL_RAW r on c.customer_id = r.customer_id
when matched and c.customer_id <> r.customer_id
  or c.first_name <> r.first_name
  or c.last_name <> r.last_name
  or c.email <> r.email
  or c.phone <> r.phone
  or c.street <> r.street
  or c.city <> r.city
  or c.state <> r.state
  or c.postal_code <> r.postal_code
  or c.country <> r.country
then update set
  c.customer_id = r.customer_id, c.first_name = r.first_name, c.last_name = r.last_name, c.email = r.email, c.phone = r.phone,
  c.street = r.street, c.city = r.city, c.state = r.state, c.postal_code = r.postal_code, c.country = r.country,
  c.update_timestamp = current_timestamp()
when not matched then insert (customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country)
values (r.customer_id, r.first_name, r.last_name, r.email, r.phone, r.street, r.city, r.state, r.postal_code, r.country);

truncate table TUTORIAL_RAW;

merge into TUTORIAL_HISTORY h
using TUTORIAL_CHANGE_DATA d on h.customer_id = d.customer_id and h.start_time = d.start_time
when matched and d.dml_type = 'U' then update set h.end_time = d.end_time, h.is_current = false
when not matched and d.dml_type = 'I' then insert
  (customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, start_time, end_time, is_current)
values (
  d.customer_id, d.first_name, d.last_name, d.email, d.phone, d.street, d.city, d.state, d.postal_code, d.country, d.start_time, d.end_time,
  d.is_current);
