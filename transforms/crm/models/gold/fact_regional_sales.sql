select
    customers.region,
    count(distinct customers.customer_id) as number_of_customers,
    count(purchases.purchase_id) as number_of_purchases,
    cast(coalesce(sum(purchases.amount), 0) as decimal(18, 2)) as total_sales_amount
from {{ ref('dim_customers') }} as customers
left join {{ ref('stg_purchases') }} as purchases
    on customers.customer_id = purchases.customer_id
group by customers.region
