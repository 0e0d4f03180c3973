select
    cast(customer_id as bigint) as customer_id,
    trim(name) as name,
    lower(trim(email)) as email,
    trim(region) as region
from {{ source('bronze_crm', 'customers') }}
