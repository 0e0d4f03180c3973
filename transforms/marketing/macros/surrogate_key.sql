{# A key of fixed length for the values of a natural key; the same in every warehouse for the same texts.
   Each value stands behind its length, and NULL is a dash, so that ('a', 'bc') and ('ab', 'c') have two keys. #}
{% macro surrogate_key(columns) -%}
  {{ dbt.hash(spell_out(columns)) }}
{%- endmacro %}

{# What a row says, as one value: a row whose hash is another has changed. #}
{% macro row_hash(columns) -%}
  {{ dbt.hash(spell_out(columns)) }}
{%- endmacro %}

{% macro spell_out(columns) -%}
  {%- for column in columns -%}
    {%- set text = 'cast(' ~ column ~ ' as ' ~ dbt.type_string() ~ ')' -%}
    coalesce(cast(length({{ text }}) as {{ dbt.type_string() }}) || ':' || {{ text }}, '-')
    {%- if not loop.last %} || {% endif -%}
  {%- endfor -%}
{%- endmacro %}
