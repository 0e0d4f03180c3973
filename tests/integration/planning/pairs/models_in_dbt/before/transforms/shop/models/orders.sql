{{ config(schema='silver_shop') }}
select
    cast(order_id as bigint) as order_id,
    cast(day as date) as day,
    cast(amount as decimal(18, 2)) as amount
from {{ source('bronze_shop', 'orders') }}
