MODEL (
  name silver_fakestore.stg_carts,
  kind FULL,
  grain cart_id,
  description 'Carts as loaded, one row a row of bronze_fakestore.carts; their lines are in stg_cart_items.',
  column_descriptions (
    cart_id = 'Key of the cart in the Fakestore API.',
    user_id = 'The user whose cart it is.',
    carted_at = 'Date and time of the cart (UTC).',
    extracted_at = 'When the record was received (UTC).'
  ),
  audits (
    not_null(columns := (cart_id, user_id, carted_at)),
    unique_values(columns := (cart_id))
  )
);

SELECT
  id::BIGINT AS cart_id,
  user_id::BIGINT AS user_id,
  (date AT TIME ZONE 'UTC')::TIMESTAMP AS carted_at,
  (_extracted_at AT TIME ZONE 'UTC')::TIMESTAMP AS extracted_at
FROM bronze_fakestore.carts
