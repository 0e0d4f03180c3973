select
    cast(user_id as bigint) as user_id,
    trim(name) as name,
    lower(trim(email)) as email,
    trim(city) as city,
    trim(country) as country,
    {{ in_utc('signed_up_at') }} as signed_up_at
from {{ source('bronze_customer_360', 'users') }}
