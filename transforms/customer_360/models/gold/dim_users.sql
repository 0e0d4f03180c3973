select
    user_id,
    name,
    email,
    city,
    country,
    signed_up_at,
    cast(signed_up_at as date) as signed_up_date
from {{ ref('stg_users') }}
