with versions as (
    select
        {{ as_text('contact_id') }} as contact_id,
        lower({{ as_text('email') }}) as email,
        {{ in_utc('created_at') }} as created_at,
        {{ as_text('country') }} as country,
        {{ as_text('phone') }} as phone,
        email_opt_in,
        _run_id,
        {{ in_utc('_extracted_at') }} as _extracted_at,
        row_number() over (
            partition by {{ as_text('contact_id') }} order by {{ newest_first() }}
        ) as version
    from {{ source('bronze_marketing_crm', 'contacts') }}
)

select
    contact_id,
    email,
    created_at,
    country,
    phone,
    email_opt_in,
    _run_id,
    _extracted_at
from versions
where version = 1
