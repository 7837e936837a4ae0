{{ config(materialized='incremental', unique_key='id', incremental_strategy='delete+insert') }}
select * from {{ ref('staged') }}
{% if is_incremental() %}where updated_at > (select max(updated_at) from {{ this }}){% endif %}
