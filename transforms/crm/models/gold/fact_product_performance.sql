with sales as (
    select
        products.product_id,
        products.product_name,
        products.category,
        products.price,
        count(purchases.purchase_id) as number_of_units_sold,
        cast(coalesce(sum(purchases.amount), 0) as decimal(18, 2)) as total_revenue,
        count(distinct customers.region) as regions_sold_in,
        max(purchases.date) as most_recent_sale_date
    from {{ ref('stg_products') }} as products
    left join {{ ref('stg_purchases') }} as purchases
        on products.product_id = purchases.product_id
    left join {{ ref('dim_customers') }} as customers
        on purchases.customer_id = customers.customer_id
    group by products.product_id, products.product_name, products.category, products.price
)

select
    product_id,
    product_name,
    category,
    price,
    number_of_units_sold,
    total_revenue,
    {{ average_amount('total_revenue', 'number_of_units_sold') }} as average_sale_price,
    regions_sold_in,
    most_recent_sale_date
from sales
