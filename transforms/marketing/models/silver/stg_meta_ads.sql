with versions as (
    select
        {{ as_text('campaign_id') }} as campaign_id,
        {{ as_text('campaign_name') }} as campaign_name,
        cast(date as date) as date,
        upper({{ as_text('account_currency') }}) as account_currency,
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
),

converted as (
    select
        versions.campaign_id,
        versions.campaign_name,
        versions.date,
        versions.account_currency,
        rates.usd_rate,
        versions.impressions,
        versions.clicks,
        {{ as_decimal('versions.spend * rates.usd_rate') }} as spend,
        versions.conversions,
        versions._run_id,
        versions._extracted_at
    from versions
    left join {{ ref('stg_exchange_rates') }} as rates
        on
            versions.account_currency = rates.currency
            and versions.date >= rates.valid_from
            and (versions.date < rates.valid_until or rates.valid_until is null)
    where versions.version = 1
)

select
    {{ surrogate_key(['campaign_id', 'date']) }} as meta_ads_key,
    campaign_id,
    campaign_name,
    date,
    account_currency,
    usd_rate,
    impressions,
    clicks,
    spend,
    conversions,
    {{ divide('clicks', 'impressions', 6) }} as ctr,
    {{ divide('spend', 'clicks', 4) }} as cpc,
    {{ divide('spend', 'conversions', 4) }} as cost_per_conversion,
    _run_id,
    _extracted_at
from converted
