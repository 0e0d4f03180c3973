{# The key in dim_campaign of a campaign's id; of NULL, that of the member which stands for no campaign. #}
{% macro campaign_key(campaign_id) -%}
  {{ surrogate_key(["coalesce(" ~ campaign_id ~ ", '(none)')"]) }}
{%- endmacro %}
