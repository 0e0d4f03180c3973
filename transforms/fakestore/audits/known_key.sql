-- Rows whose @column is not a key of @parent: they stay, with NULL where the parent's columns would be.
AUDIT (
  name known_key,
  blocking false
);

SELECT child.*
FROM @this_model AS child
LEFT JOIN @parent AS parent
  ON child.@column = parent.@parent_key
WHERE
  NOT child.@column IS NULL AND parent.@parent_key IS NULL
