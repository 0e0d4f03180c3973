MODEL (
  name gold_fakestore.fact_cart_items,
  kind FULL,
  grain cart_item_id,
  description 'Lines of the carts, one row a line, with the current price and rating of the product. A line whose product is not known (quarantined, say) stays, without a price.',
  column_descriptions (
    cart_item_id = 'Cart and position, such as 12-1.',
    cart_id = 'The cart that the line stands in.',
    user_id = 'The user whose cart it is.',
    product_id = 'The product on the line.',
    sale_date = 'Date of the cart (UTC).',
    quantity = 'Number of units.',
    unit_price = 'Current price of one unit; NULL where the product is not known.',
    line_revenue = 'quantity times unit_price.',
    product_rating = 'Current average rating of the product, 0 to 5.'
  ),
  audits (
    not_null(columns := (cart_item_id, cart_id, user_id, product_id, sale_date, quantity)),
    unique_values(columns := (cart_item_id)),
    forall(criteria := (line_revenue = quantity * unit_price)),
    known_key(column := product_id, parent := gold_fakestore.dim_products, parent_key := product_id)
  )
);

SELECT
  items.cart_item_id,
  items.cart_id,
  carts.user_id,
  items.product_id,
  carts.carted_at::DATE AS sale_date,
  items.quantity,
  products.price AS unit_price,
  (items.quantity * products.price)::DECIMAL(18, 2) AS line_revenue,
  products.rating_rate AS product_rating
FROM silver_fakestore.stg_cart_items AS items
INNER JOIN silver_fakestore.stg_carts AS carts
  ON items.cart_id = carts.cart_id
LEFT JOIN gold_fakestore.dim_products AS products
  ON items.product_id = products.product_id AND products.valid_to IS NULL
