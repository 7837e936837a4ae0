{{ config(materialized='table') }}
select city, count(*) as n, sum(amount) as amount from {{ ref('staged') }} group by city
