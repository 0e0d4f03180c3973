{{ config(
    materialized='incremental',
    unique_key='ga4_event_key',
    post_hook="{{ remove_vanished('ga4_event_key', ref('stg_ga4_events')) }}",
) }}

{% set said = [
    'event_ts', 'event_date', 'event_name', 'user_pseudo_id', 'value_usd', 'transaction_id', 'order_key', 'source',
    'medium', 'campaign_name', 'campaign_key', '_run_id', '_extracted_at',
] %}

-- The web shop knows names only; of two campaigns with one name the lower id stands for both.
with campaigns as (
    select
        campaign_name,
        min(campaign_id) as campaign_id
    from {{ ref('dim_campaign') }}
    group by campaign_name
),

-- A transaction belongs to one order, even where the CRM has it twice.
orders as (
    select
        transaction_id,
        min(order_key) as order_key
    from {{ ref('fact_orders') }}
    group by transaction_id
),

placed as (
    select
        events.ga4_event_key,
        events.event_ts,
        cast(events.event_ts as date) as event_date,
        events.event_name,
        events.user_pseudo_id,
        events.value_usd,
        events.transaction_id,
        orders.order_key,
        events.source,
        events.medium,
        events.campaign_name,
        {{ campaign_key('campaigns.campaign_id') }} as campaign_key,
        events._run_id,
        events._extracted_at
    from {{ ref('stg_ga4_events') }} as events
    left join orders
        on events.transaction_id = orders.transaction_id
    left join campaigns
        on events.campaign_name = campaigns.campaign_name
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
{{ changed_rows('hashed', 'ga4_event_key') }}
