MODEL (
  name gold_fakestore.fact_carts,
  kind FULL,
  grain cart_id,
  description 'Carts with their totals, one row a cart, also those without lines.',
  column_descriptions (
    cart_id = 'Key of the cart in the Fakestore API.',
    user_id = 'The user whose cart it is.',
    sale_date = 'Date of the cart (UTC).',
    item_count = 'Number of lines.',
    total_quantity = 'Number of units on all lines.',
    total_revenue = 'Sum of line_revenue; 0 without lines.'
  ),
  audits (
    not_null(columns := (cart_id, user_id, sale_date, item_count, total_quantity, total_revenue)),
    unique_values(columns := (cart_id))
  )
);

SELECT
  carts.cart_id,
  carts.user_id,
  carts.carted_at::DATE AS sale_date,
  COUNT(items.cart_item_id)::INT AS item_count,
  COALESCE(SUM(items.quantity), 0)::BIGINT AS total_quantity,
  COALESCE(SUM(items.line_revenue), 0)::DECIMAL(18, 2) AS total_revenue
FROM silver_fakestore.stg_carts AS carts
LEFT JOIN gold_fakestore.fact_cart_items AS items
  ON carts.cart_id = items.cart_id
GROUP BY
  carts.cart_id,
  carts.user_id,
  carts.carted_at::DATE
