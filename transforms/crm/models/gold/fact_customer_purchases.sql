select
    purchases.purchase_id,
    purchases.date,
    purchases.amount,
    purchases.customer_id,
    customers.name,
    customers.email,
    customers.region,
    purchases.product_id,
    products.product_name,
    products.category,
    products.price
from {{ ref('stg_purchases') }} as purchases
left join {{ ref('dim_customers') }} as customers
    on purchases.customer_id = customers.customer_id
left join {{ ref('stg_products') }} as products
    on purchases.product_id = products.product_id
