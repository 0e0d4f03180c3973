{# total / number with so many places, rounded half away from zero; NULL where number is 0. #}
{% macro divide(total, number, places=2) -%}
  {{ adapter.dispatch('divide', 'marketing')(total, number, places) }}
{%- endmacro %}

{# Decimals first: Postgres divides integers without a remainder. DuckDB divides decimals as doubles (1.005 becomes
   1.00499…): the step over 12 places makes it exact again. #}
{% macro default__divide(total, number, places) -%}
  {{ as_decimal('cast(cast(' ~ total ~ ' as decimal(18, 2)) / nullif(' ~ number ~ ', 0) as decimal(30, 12))', places) }}
{%- endmacro %}

{% macro bigquery__divide(total, number, places) -%}
  {{ as_decimal('cast(' ~ total ~ ' as numeric) / nullif(' ~ number ~ ', 0)', places) }}
{%- endmacro %}
