{# The day up to which a customer's age counts: the variable as_of_date, or today in UTC. #}
{% macro as_of_date() -%}
  {%- if var('as_of_date') -%}
    cast('{{ modules.datetime.date.fromisoformat(var("as_of_date") | string) }}' as date)
  {%- else -%}
    cast(current_timestamp at time zone 'UTC' as date)
  {%- endif -%}
{%- endmacro %}
