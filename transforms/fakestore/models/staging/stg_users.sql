MODEL (
  name silver_fakestore.stg_users,
  kind FULL,
  grain user_id,
  description 'Users as loaded, one row a row of bronze_fakestore.users. Passwords stay in bronze.',
  column_descriptions (
    user_id = 'Key of the user in the Fakestore API.',
    username = 'Name the user goes by in the shop.',
    email = 'Email address (personal data).',
    first_name = 'First name (personal data).',
    last_name = 'Last name (personal data).',
    city = 'City of the address.',
    extracted_at = 'When the record was received (UTC).'
  ),
  audits (
    not_null(columns := (user_id, username)),
    unique_values(columns := (user_id))
  )
);

SELECT
  id::BIGINT AS user_id,
  username::TEXT AS username,
  email::TEXT AS email,
  name__firstname::TEXT AS first_name,
  name__lastname::TEXT AS last_name,
  TRIM(address__city)::TEXT AS city,
  (_extracted_at AT TIME ZONE 'UTC')::TIMESTAMP AS extracted_at
FROM bronze_fakestore.users
