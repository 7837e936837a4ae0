{{ config(materialized='incremental', unique_key='id', incremental_strategy='merge') }}
select * from {{ ref('staged') }}
{% if is_incremental() %}where updated_at > (select max(updated_at) from {{ this }}){% endif %}
