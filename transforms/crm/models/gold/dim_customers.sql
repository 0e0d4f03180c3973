select
    customer_id,
    name,
    email,
    region
from {{ ref('stg_customers') }}
