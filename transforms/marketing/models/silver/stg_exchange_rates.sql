select
    upper({{ as_text('currency') }}) as currency,
    valid_from,
    lead(valid_from) over (partition by upper({{ as_text('currency') }}) order by valid_from) as valid_until,
    usd_rate
from {{ ref('exchange_rates') }}
