MODEL (
  name silver_retail_daily.stg_customers,
  kind FULL,
  grain customer_id,
  description 'Customers as generated, one row a row of bronze_retail.customers. Holds personal data.',
  column_descriptions (
    customer_id = 'Key of the customer, a UUID.',
    first_name = 'First name (personal data).',
    last_name = 'Last name (personal data).',
    email = 'Email address (personal data).',
    address = 'Street and number (personal data).',
    city = 'City of the address.',
    state = 'State of the address.',
    country = 'Country of the address.',
    postal_code = 'Postal code of the address, as text: zeros may lead it.',
    date_of_birth = 'Day of birth (personal data).',
    account_balance = 'Balance of the account.',
    created_at = 'When the account was opened (UTC).'
  ),
  audits (
    not_null(columns := (customer_id, first_name, last_name)),
    unique_values(columns := (customer_id))
  )
);

SELECT
  customer_id::TEXT AS customer_id,
  first_name::TEXT AS first_name,
  last_name::TEXT AS last_name,
  email::TEXT AS email,
  address::TEXT AS address,
  city::TEXT AS city,
  state::TEXT AS state,
  country::TEXT AS country,
  postal_code::TEXT AS postal_code,
  date_of_birth::DATE AS date_of_birth,
  account_balance::DECIMAL(18, 2) AS account_balance,
  (created_at AT TIME ZONE 'UTC')::TIMESTAMP AS created_at
FROM bronze_retail.customers
