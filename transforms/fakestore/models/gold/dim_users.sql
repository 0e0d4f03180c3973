MODEL (
  name gold_fakestore.dim_users,
  kind SCD_TYPE_2_BY_COLUMN (
    unique_key user_id,
    columns [username, email, first_name, last_name, city],
    -- Left to its default, the type reads otherwise from SQLMesh's state than from this file (0.236), and a
    -- changed model is refused as "destructive".
    time_data_type TIMESTAMP
  ),
  grain (user_id, valid_from),
  description 'Users with their history: a row a version. The current version has no valid_to. Holds personal data.',
  column_descriptions (
    user_id = 'Key of the user in the Fakestore API.',
    username = 'Name the user goes by in the shop.',
    email = 'Email address (personal data).',
    first_name = 'First name (personal data).',
    last_name = 'Last name (personal data).',
    city = 'City of the address.',
    valid_from = 'Since when this version holds (UTC); the first version holds since 1970.',
    valid_to = 'Until when it held (UTC); NULL for the current version.'
  ),
  audits (
    not_null(columns := (user_id, username, valid_from)),
    unique_values(columns := (user_id), condition := valid_to IS NULL),
    unique_combination_of_columns(columns := (user_id, valid_from))
  )
);

SELECT
  user_id,
  username,
  email,
  first_name,
  last_name,
  city
FROM silver_fakestore.stg_users
