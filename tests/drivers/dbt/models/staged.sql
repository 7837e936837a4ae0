{{ config(materialized='view') }}
select id, name, city, updated_at::timestamp_ntz as updated_at, amount from {{ ref('customers') }}
