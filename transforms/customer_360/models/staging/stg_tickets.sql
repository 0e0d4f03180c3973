select
    cast(ticket_id as bigint) as ticket_id,
    cast(user_id as bigint) as user_id,
    {{ in_utc('opened_at') }} as opened_at,
    {{ in_utc('closed_at') }} as closed_at,
    lower(trim(channel)) as channel,
    lower(trim(priority)) as priority,
    trim(topic) as topic
from {{ source('bronze_customer_360', 'tickets') }}
