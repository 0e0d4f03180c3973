{# total / number, rounded half up to two places; NULL where number is 0.
   DuckDB divides decimals as doubles (1.005 becomes 1.00499…): the step over 8 places makes it exact again. #}
{% macro divide(total, number) -%}
  cast(cast({{ total }} / nullif({{ number }}, 0) as decimal(26, 8)) as decimal(18, 2))
{%- endmacro %}
