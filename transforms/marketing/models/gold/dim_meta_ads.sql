-- depends_on: {{ ref('dim_campaign') }}
select
    meta_ads_key,
    {{ campaign_key('campaign_id') }} as campaign_key,
    campaign_id,
    campaign_name,
    date,
    impressions,
    clicks,
    spend,
    conversions,
    ctr,
    cpc,
    cost_per_conversion
from {{ ref('stg_meta_ads') }}
