with versions as (
    select
        {{ as_text('campaign_id') }} as campaign_id,
        {{ as_text('campaign_name') }} as campaign_name,
        cast(date as date) as date,
        cast(impressions as bigint) as impressions,
        cast(clicks as bigint) as clicks,
        {{ as_decimal('spend') }} as spend,
        cast(conversions as bigint) as conversions,
        _run_id,
        {{ in_utc('_extracted_at') }} as _extracted_at,
        row_number() over (
            partition by {{ as_text('campaign_id') }}, cast(date as date) order by {{ newest_first() }}
        ) as version
    from {{ source('bronze_meta_ads', 'insights') }}
)

select
    {{ surrogate_key(['campaign_id', 'date']) }} as meta_ads_key,
    campaign_id,
    campaign_name,
    date,
    impressions,
    clicks,
    spend,
    conversions,
    {{ divide('clicks', 'impressions', 6) }} as ctr,
    {{ divide('spend', 'clicks', 4) }} as cpc,
    {{ divide('spend', 'conversions', 4) }} as cost_per_conversion,
    _run_id,
    _extracted_at
from versions
where version = 1
