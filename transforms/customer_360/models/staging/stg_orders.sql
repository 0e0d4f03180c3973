select
    cast(order_id as bigint) as order_id,
    cast(user_id as bigint) as user_id,
    {{ in_utc('ordered_at') }} as ordered_at,
    lower(trim(status)) as status,
    cast(items as integer) as items,
    cast(amount as decimal(18, 2)) as amount
from {{ source('bronze_customer_360', 'orders') }}
