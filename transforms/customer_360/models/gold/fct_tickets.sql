-- depends_on: {{ ref('dim_date') }}
-- depends_on: {{ ref('dim_users') }}
select
    ticket_id,
    user_id,
    cast(opened_at as date) as opened_date,
    cast(closed_at as date) as closed_date,
    opened_at,
    closed_at,
    channel,
    priority,
    topic,
    closed_at is null as is_open,
    {{ divide('cast(extract(epoch from (closed_at - opened_at)) as decimal(18, 6))', '3600') }} as hours_to_resolution
from {{ ref('stg_tickets') }}
