{# Of an incremental model, the rows that are new or say something else than those that are there: late, restated
   and corrected ones alike, also where only what was looked up for them has changed. Times of arrival would not do:
   loads may be committed in another order than they began. #}
{% macro changed_rows(rows, key) -%}
  {%- if is_incremental() %}
    left join {{ this }} as there
        on {{ rows }}.{{ key }} = there.{{ key }}
    where there.{{ key }} is null or there._row_hash <> {{ rows }}._row_hash
  {%- endif %}
{%- endmacro %}

{# Of an incremental model, the rows that are gone from what it is made of: somebody asked to be forgotten, say. #}
{% macro remove_vanished(key, made_of) -%}
  delete from {{ this }} as there
  where not exists (select 1 from {{ made_of }} as made_of where made_of.{{ key }} = there.{{ key }})
{%- endmacro %}
