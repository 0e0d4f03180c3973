select
    order_id,
    {{ cents('amount') }} as amount
from {{ ref('orders') }}
