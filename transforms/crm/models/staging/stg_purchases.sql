select
    cast(purchase_id as bigint) as purchase_id,
    cast(customer_id as bigint) as customer_id,
    cast(product_id as bigint) as product_id,
    cast(amount as decimal(18, 2)) as amount,
    cast(date as date) as date
from {{ source('bronze_crm', 'purchases') }}
