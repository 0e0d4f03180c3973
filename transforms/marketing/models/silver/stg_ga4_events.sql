with told as (
    select
        {{ as_text('event_id') }} as event_id,
        {{ in_utc('event_ts') }} as event_ts,
        {{ as_text('event_name') }} as event_name,
        {{ as_text('user_pseudo_id') }} as user_pseudo_id,
        {{ as_decimal('value_usd') }} as value_usd,
        {{ as_text('transaction_id') }} as transaction_id,
        lower({{ as_text('source') }}) as source,
        lower({{ as_text('medium') }}) as medium,
        {{ as_text('campaign_name') }} as campaign_name,
        _run_id,
        {{ in_utc('_extracted_at') }} as _extracted_at,
        _dlt_load_id
    from {{ source('bronze_ga4', 'events') }}
),

-- A thank-you page that is opened again tells its purchase again: the first time counts.
versions as (
    select
        *,
        row_number() over (
            partition by event_name, transaction_id, case when transaction_id is null then event_id end
            order by event_ts, {{ newest_first(['event_id']) }}
        ) as version
    from told
)

select
    {{ surrogate_key([
        'event_name', 'transaction_id', 'case when transaction_id is null then event_id end'
    ]) }} as ga4_event_key,
    event_ts,
    event_name,
    user_pseudo_id,
    value_usd,
    transaction_id,
    source,
    medium,
    campaign_name,
    _run_id,
    _extracted_at
from versions
where version = 1
