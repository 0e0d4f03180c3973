select
    day,
    sum(amount) as revenue
from {{ ref('orders') }}
group by day
