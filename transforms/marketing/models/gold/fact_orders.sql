-- depends_on: {{ ref('dim_campaign') }}
{{ config(
    materialized='incremental',
    unique_key='order_key',
    post_hook="{{ remove_vanished('order_key', ref('stg_orders')) }}",
) }}

{% set said = [
    'order_id', 'contact_key', 'campaign_key', 'order_ts', 'order_date', 'order_month', 'revenue', 'amount', 'currency',
    'items', 'channel', 'utm_source', 'utm_medium', 'payment_method', 'is_repeat', 'transaction_id', 'country',
    '_run_id', '_extracted_at',
] %}

with placed as (
    select
        orders.order_key,
        orders.order_id,
        contacts.contact_key,
        {{ campaign_key('orders.campaign_id') }} as campaign_key,
        orders.order_ts,
        orders.order_date,
        {{ month_of('orders.order_date') }} as order_month,
        orders.revenue,
        orders.amount,
        orders.currency,
        orders.items,
        orders.channel,
        orders.utm_source,
        orders.utm_medium,
        orders.payment_method,
        orders.is_repeat,
        orders.transaction_id,
        contacts.country,
        orders._run_id,
        orders._extracted_at
    from {{ ref('stg_orders') }} as orders
    left join {{ ref('dim_contacts') }} as contacts
        on orders.contact_id = contacts.contact_id
),

hashed as (
    select
        *,
        {{ row_hash(said) }} as _row_hash
    from placed
)

select
    hashed.*,
    {{ now_utc() }} as _loaded_at
from hashed
{{ changed_rows('hashed', 'order_key') }}
