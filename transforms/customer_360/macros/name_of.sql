{# The name that a number from 1 stands for: the databases' own format functions differ, and follow a locale. #}
{% macro name_of(number, names) -%}
  case {{ number }}
    {%- for name in names %} when {{ loop.index }} then '{{ name }}'{% endfor %} end
{%- endmacro %}
