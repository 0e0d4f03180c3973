-- depends_on: {{ ref('dim_date') }}
-- depends_on: {{ ref('dim_users') }}
select
    order_id,
    user_id,
    cast(ordered_at as date) as order_date,
    ordered_at,
    status,
    status = 'cancelled' as is_cancelled,
    items,
    amount,
    cast(case when status = 'cancelled' then 0 else amount end as decimal(18, 2)) as revenue
from {{ ref('stg_orders') }}
