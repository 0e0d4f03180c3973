{# Of two relations, the keys that only one of them has: what an incremental model has lost, or should have dropped. #}
{% test same_keys(model, column_name, to, field) %}
  select
    ours.{{ column_name }} as ours,
    theirs.{{ field }} as theirs
  from {{ model }} as ours
  full outer join {{ to }} as theirs
    on ours.{{ column_name }} = theirs.{{ field }}
  where ours.{{ column_name }} is null or theirs.{{ field }} is null
{% endtest %}
