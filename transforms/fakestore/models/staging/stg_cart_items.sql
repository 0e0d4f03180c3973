MODEL (
  name silver_fakestore.stg_cart_items,
  kind FULL,
  grain cart_item_id,
  description 'Lines of the carts, one row a row of bronze_fakestore.carts__products.',
  column_descriptions (
    cart_item_id = 'Cart and position, such as 12-1: the same each time the cart is loaded.',
    cart_id = 'The cart that the line stands in.',
    line_position = 'Position of the line in its cart, from 1.',
    product_id = 'The product on the line.',
    quantity = 'Number of units.'
  ),
  audits (
    not_null(columns := (cart_item_id, cart_id, product_id, quantity)),
    unique_values(columns := (cart_item_id)),
    accepted_range(column := quantity, min_v := 1)
  )
);

SELECT
  (carts.id::TEXT || '-' || (items._dlt_list_idx + 1)::TEXT)::TEXT AS cart_item_id,
  carts.id::BIGINT AS cart_id,
  (items._dlt_list_idx + 1)::INT AS line_position,
  items.product_id::BIGINT AS product_id,
  items.quantity::INT AS quantity
FROM bronze_fakestore.carts__products AS items
INNER JOIN bronze_fakestore.carts AS carts
  ON items._dlt_parent_id = carts._dlt_id
