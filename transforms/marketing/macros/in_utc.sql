{# A moment with its offset as date and time in UTC: the warehouse's own time zone plays no part. #}
{% macro in_utc(moment) -%}
  {{ adapter.dispatch('in_utc', 'marketing')(moment) }}
{%- endmacro %}

{% macro default__in_utc(moment) -%}
  cast({{ moment }} at time zone 'UTC' as timestamp)
{%- endmacro %}

{# A timestamp of BigQuery is a moment, shown in UTC. #}
{% macro bigquery__in_utc(moment) -%}
  cast({{ moment }} as timestamp)
{%- endmacro %}
