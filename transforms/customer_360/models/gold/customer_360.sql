with ordered as (
    select
        user_id,
        count(*) as orders,
        sum(case when is_cancelled then 1 else 0 end) as cancelled_orders,
        sum(revenue) as revenue,
        min(ordered_at) as first_order_at,
        max(ordered_at) as last_order_at
    from {{ ref('fct_orders') }}
    group by user_id
),

asked as (
    select
        user_id,
        count(*) as tickets,
        sum(case when is_open then 1 else 0 end) as open_tickets,
        {{ divide('sum(hours_to_resolution)', 'count(hours_to_resolution)') }} as hours_to_resolution,
        max(coalesce(closed_at, opened_at)) as last_ticket_at
    from {{ ref('fct_tickets') }}
    group by user_id
)

select
    users.user_id,
    users.name,
    users.email,
    users.city,
    users.country,
    users.signed_up_at,
    cast(coalesce(ordered.orders, 0) as bigint) as orders,
    cast(coalesce(ordered.cancelled_orders, 0) as bigint) as cancelled_orders,
    cast(coalesce(ordered.revenue, 0) as decimal(18, 2)) as revenue,
    ordered.first_order_at,
    ordered.last_order_at,
    cast(coalesce(asked.tickets, 0) as bigint) as tickets,
    cast(coalesce(asked.open_tickets, 0) as bigint) as open_tickets,
    asked.hours_to_resolution,
    greatest(
        users.signed_up_at,
        coalesce(ordered.last_order_at, users.signed_up_at),
        coalesce(asked.last_ticket_at, users.signed_up_at)
    ) as last_activity_at
from {{ ref('dim_users') }} as users
left join ordered
    on users.user_id = ordered.user_id
left join asked
    on users.user_id = asked.user_id
