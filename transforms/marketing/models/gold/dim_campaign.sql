-- depends_on: {{ ref('stg_contacts') }}
-- It waits for the tests of all that is silver, and the rest of gold waits for it: where one fails, gold stays as it was.
with days as (
    select
        campaign_id,
        date as day
    from {{ ref('stg_meta_ads') }}
    union all
    select
        campaign_id,
        order_date as day
    from {{ ref('stg_orders') }}
    where campaign_id is not null
),

campaigns as (
    select
        campaign_id,
        min(day) as first_date,
        max(day) as last_date
    from days
    group by campaign_id
),

advertised as (
    select
        campaign_id,
        campaign_name,
        row_number() over (partition by campaign_id order by date desc) as place
    from {{ ref('stg_meta_ads') }}
),

-- What is not advertised at Meta has its name from the web shop, and its channel from the orders: what most say.
names as (
    select
        orders.campaign_id,
        events.campaign_name,
        row_number() over (
            partition by orders.campaign_id order by count(*) desc, events.campaign_name
        ) as place
    from {{ ref('stg_orders') }} as orders
    inner join {{ ref('stg_ga4_events') }} as events
        on orders.transaction_id = events.transaction_id
    where events.campaign_name not like '(%'
    group by orders.campaign_id, events.campaign_name
),

channels as (
    select
        campaign_id,
        channel,
        row_number() over (partition by campaign_id order by count(*) desc, channel) as place
    from {{ ref('stg_orders') }}
    where channel is not null
    group by campaign_id, channel
),

members as (
    select
        campaigns.campaign_id,
        coalesce(advertised.campaign_name, names.campaign_name, campaigns.campaign_id) as campaign_name,
        case when advertised.campaign_id is null then channels.channel else 'paid_social' end as channel,
        campaigns.first_date,
        campaigns.last_date
    from campaigns
    left join advertised
        on campaigns.campaign_id = advertised.campaign_id and advertised.place = 1
    left join names
        on campaigns.campaign_id = names.campaign_id and names.place = 1
    left join channels
        on campaigns.campaign_id = channels.campaign_id and channels.place = 1
    union all
    -- Orders without a campaign have a member, too: no key is NULL.
    select
        '(none)' as campaign_id,
        'No campaign' as campaign_name,
        cast(null as {{ dbt.type_string() }}) as channel,
        cast(null as date) as first_date,
        cast(null as date) as last_date
)

select
    {{ campaign_key('campaign_id') }} as campaign_key,
    campaign_id,
    campaign_name,
    channel,
    first_date,
    last_date
from members
