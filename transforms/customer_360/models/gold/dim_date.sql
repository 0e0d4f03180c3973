with days as (
    select cast(signed_up_at as date) as day from {{ ref('stg_users') }}
    union all
    select cast(ordered_at as date) as day from {{ ref('stg_orders') }}
    union all
    select cast(opened_at as date) as day from {{ ref('stg_tickets') }}
    union all
    select cast(closed_at as date) as day from {{ ref('stg_tickets') }}
),

bounds as (
    select
        date_trunc('year', cast(min(day) as timestamp)) as first_day,
        date_trunc('year', cast(max(day) as timestamp)) + interval '1 year' - interval '1 day' as last_day
    from days
),

calendar as (
    select cast(series.day as date) as date_day
    from bounds, generate_series(bounds.first_day, bounds.last_day, interval '1 day') as series (day)
)

select
    date_day,
    cast(extract(year from date_day) as integer) as year,
    cast(extract(quarter from date_day) as integer) as quarter,
    cast(extract(month from date_day) as integer) as month,
    {{ name_of('extract(month from date_day)', [
        'January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'
    ]) }} as month_name,
    cast(extract(week from date_day) as integer) as week_of_year,
    cast(extract(day from date_day) as integer) as day_of_month,
    cast(extract(isodow from date_day) as integer) as day_of_week,
    {{ name_of('extract(isodow from date_day)', [
        'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'
    ]) }} as day_name,
    extract(isodow from date_day) in (6, 7) as is_weekend
from calendar
