-- depends_on: {{ ref('dim_campaign') }}
with ordered as (
    select
        contact_id,
        count(*) as orders,
        sum(revenue) as revenue,
        min(order_date) as first_order_date
    from {{ ref('stg_orders') }}
    group by contact_id
),

-- An order may arrive before its contact: until then the contact is its id alone.
members as (
    select
        coalesce(contacts.contact_id, ordered.contact_id) as contact_id,
        contacts.email,
        contacts.created_at,
        coalesce(contacts.country, 'Unknown') as country,
        contacts.phone,
        contacts.email_opt_in,
        ordered.first_order_date,
        coalesce(ordered.orders, 0) as orders,
        coalesce(ordered.revenue, 0) as revenue
    from {{ ref('stg_contacts') }} as contacts
    full outer join ordered
        on contacts.contact_id = ordered.contact_id
)

select
    {{ surrogate_key(['contact_id']) }} as contact_key,
    contact_id,
    email,
    created_at,
    country,
    phone,
    email_opt_in,
    first_order_date,
    cast(orders as bigint) as orders,
    {{ as_decimal('revenue') }} as revenue
from members
