{% test not_before(model, column_name, other) %}
  select {{ column_name }}
  from {{ model }}
  where {{ column_name }} < {{ other }}
{% endtest %}
