{# The moment of the build, as the models have times. #}
{% macro now_utc() -%}
  {{ in_utc('current_timestamp') }}
{%- endmacro %}
