{# A number with so many places, rounded half away from zero. #}
{% macro as_decimal(number, places=2) -%}
  {{ adapter.dispatch('as_decimal', 'marketing')(number, places) }}
{%- endmacro %}

{% macro default__as_decimal(number, places) -%}
  cast({{ number }} as decimal(18, {{ places }}))
{%- endmacro %}

{# BigQuery casts to no type with parameters. #}
{% macro bigquery__as_decimal(number, places) -%}
  round(cast({{ number }} as numeric), {{ places }})
{%- endmacro %}
