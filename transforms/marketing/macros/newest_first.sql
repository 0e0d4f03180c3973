{# The order in which versions of a record are taken: what was extracted last wins. #}
{% macro newest_first(columns=[]) -%}
  _extracted_at desc, _dlt_load_id desc{% for column in columns %}, {{ column }}{% endfor %}
{%- endmacro %}
