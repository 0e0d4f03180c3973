-- depends_on: {{ ref('dim_date') }}
-- Its days are keys of dim_date, which waits for the tests of all that is staged: where one fails, gold stays as it was.
select
    user_id,
    name,
    email,
    city,
    country,
    signed_up_at,
    cast(signed_up_at as date) as signed_up_date
from {{ ref('stg_users') }}
