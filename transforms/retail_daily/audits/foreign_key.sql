-- Rows whose @column is not a key of @parent, or is NULL.
AUDIT (
  name foreign_key
);

SELECT child.*
FROM @this_model AS child
LEFT JOIN @parent AS parent
  ON child.@column = parent.@column
WHERE
  parent.@column IS NULL
