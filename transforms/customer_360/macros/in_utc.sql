{# A moment with its offset, as date and time in UTC: the warehouse's own time zone plays no part. #}
{% macro in_utc(moment) -%}
  cast({{ moment }} at time zone 'UTC' as timestamp)
{%- endmacro %}
