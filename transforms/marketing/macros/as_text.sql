{# A text without blanks around it; NULL where nothing is left. #}
{% macro as_text(column) -%}
  nullif(trim(cast({{ column }} as {{ dbt.type_string() }})), '')
{%- endmacro %}
