with spending as (
    select
        customers.customer_id,
        customers.name,
        customers.email,
        customers.region,
        count(purchases.purchase_id) as number_of_purchases,
        cast(coalesce(sum(purchases.amount), 0) as decimal(18, 2)) as total_customer_spending,
        min(purchases.date) as first_purchase_date,
        max(purchases.date) as last_purchase_date
    from {{ ref('dim_customers') }} as customers
    left join {{ ref('stg_purchases') }} as purchases
        on customers.customer_id = purchases.customer_id
    group by customers.customer_id, customers.name, customers.email, customers.region
)

select
    customer_id,
    name,
    email,
    region,
    number_of_purchases,
    total_customer_spending,
    cast(
        coalesce({{ average_amount('total_customer_spending', 'number_of_purchases') }}, 0) as decimal(18, 2)
    ) as average_purchase_value,
    first_purchase_date,
    last_purchase_date,
    cast({{ dbt.datediff('first_purchase_date', as_of_date(), 'day') }} as integer) as customer_age_in_days,
    case
        when total_customer_spending >= 500 then 'High-Value'
        when total_customer_spending >= 100 then 'Mid-Value'
        else 'Low-Value'
    end as customer_segment
from spending
