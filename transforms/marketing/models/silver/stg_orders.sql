with versions as (
    select
        {{ as_text('order_id') }} as order_id,
        {{ as_text('contact_id') }} as contact_id,
        {{ as_text('user_pseudo_id') }} as user_pseudo_id,
        {{ in_utc('order_ts') }} as order_ts,
        {{ as_decimal('amount') }} as amount,
        upper({{ as_text('currency') }}) as currency,
        cast(items as bigint) as items,
        {{ as_text('campaign_id') }} as campaign_id,
        lower({{ as_text('channel') }}) as channel,
        lower({{ as_text('utm_source') }}) as utm_source,
        lower({{ as_text('utm_medium') }}) as utm_medium,
        {{ as_text('transaction_id') }} as transaction_id,
        is_repeat,
        lower({{ as_text('payment_method') }}) as payment_method,
        _run_id,
        {{ in_utc('_extracted_at') }} as _extracted_at,
        row_number() over (
            partition by {{ as_text('order_id') }} order by {{ newest_first() }}
        ) as version
    from {{ source('bronze_marketing_crm', 'orders') }}
)

select
    {{ surrogate_key(['versions.order_id']) }} as order_key,
    versions.order_id,
    versions.contact_id,
    versions.user_pseudo_id,
    versions.order_ts,
    cast(versions.order_ts as date) as order_date,
    versions.amount,
    versions.currency,
    rates.usd_rate,
    {{ as_decimal('versions.amount * rates.usd_rate') }} as revenue,
    versions.items,
    versions.campaign_id,
    versions.channel,
    versions.utm_source,
    versions.utm_medium,
    versions.transaction_id,
    versions.is_repeat,
    versions.payment_method,
    versions._run_id,
    versions._extracted_at
from versions
left join {{ ref('stg_exchange_rates') }} as rates
    on
        versions.currency = rates.currency
        and cast(versions.order_ts as date) >= rates.valid_from
        and (cast(versions.order_ts as date) < rates.valid_until or rates.valid_until is null)
where versions.version = 1
