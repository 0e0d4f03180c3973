MODEL (
  name gold_fakestore.mart_sales_overview,
  kind FULL,
  grain cart_item_id,
  description 'Sales for analysts: one row a cart line, with product, customer and categories. No personal data. Categories are NULL where the product is not known.',
  column_descriptions (
    cart_item_id = 'Cart and position, such as 12-1.',
    cart_id = 'The cart that the line stands in.',
    user_id = 'The user whose cart it is.',
    product_id = 'The product on the line.',
    sale_date = 'Date of the cart (UTC).',
    sale_year = 'Year of sale_date.',
    sale_month = 'Month of sale_date, 1 to 12.',
    sale_day = 'Day of the month of sale_date, 1 to 31.',
    quantity = 'Number of units.',
    unit_price = 'Current price of one unit.',
    line_revenue = 'quantity times unit_price.',
    product_rating = 'Current average rating of the product, 0 to 5.',
    product_category = 'Category the API lists the product in.',
    rating_category = 'High from 4.5, Medium from 3.5, Low from 2.5, else Poor.',
    price_tier = 'Of the unit price: Premium over 1000, Mid-Range over 500, Standard over 100, else Budget.',
    customer_name = 'The username, not the real name.',
    customer_city = 'City of the customer.',
    order_value_category = 'Of the line revenue: High over 2000, Medium over 500, else Standard.',
    purchase_size_category = 'Of the quantity: Bulk over 10, Multi-Unit over 5, Multiple over 1, else Single.'
  ),
  audits (
    not_null(columns := (cart_item_id, cart_id, user_id, product_id, sale_date, quantity)),
    unique_values(columns := (cart_item_id)),
    known_key(column := user_id, parent := gold_fakestore.dim_users, parent_key := user_id),
    forall(criteria := (line_revenue = quantity * unit_price)),
    accepted_values(column := rating_category, is_in := ('High', 'Medium', 'Low', 'Poor')),
    accepted_values(column := price_tier, is_in := ('Premium', 'Mid-Range', 'Standard', 'Budget')),
    accepted_values(column := order_value_category, is_in := ('High', 'Medium', 'Standard')),
    accepted_values(column := purchase_size_category, is_in := ('Bulk', 'Multi-Unit', 'Multiple', 'Single'))
  )
);

SELECT
  items.cart_item_id,
  items.cart_id,
  items.user_id,
  items.product_id,
  items.sale_date,
  EXTRACT(YEAR FROM items.sale_date)::INT AS sale_year,
  EXTRACT(MONTH FROM items.sale_date)::INT AS sale_month,
  EXTRACT(DAY FROM items.sale_date)::INT AS sale_day,
  items.quantity,
  items.unit_price,
  items.line_revenue,
  items.product_rating,
  products.category AS product_category,
  CASE
    WHEN items.product_rating IS NULL THEN NULL
    WHEN items.product_rating >= 4.5 THEN 'High'
    WHEN items.product_rating >= 3.5 THEN 'Medium'
    WHEN items.product_rating >= 2.5 THEN 'Low'
    ELSE 'Poor'
  END::TEXT AS rating_category,
  CASE
    WHEN items.unit_price IS NULL THEN NULL
    WHEN items.unit_price > 1000 THEN 'Premium'
    WHEN items.unit_price > 500 THEN 'Mid-Range'
    WHEN items.unit_price > 100 THEN 'Standard'
    ELSE 'Budget'
  END::TEXT AS price_tier,
  users.username AS customer_name,
  users.city AS customer_city,
  CASE
    WHEN items.line_revenue IS NULL THEN NULL
    WHEN items.line_revenue > 2000 THEN 'High'
    WHEN items.line_revenue > 500 THEN 'Medium'
    ELSE 'Standard'
  END::TEXT AS order_value_category,
  CASE
    WHEN items.quantity > 10 THEN 'Bulk'
    WHEN items.quantity > 5 THEN 'Multi-Unit'
    WHEN items.quantity > 1 THEN 'Multiple'
    ELSE 'Single'
  END::TEXT AS purchase_size_category
FROM gold_fakestore.fact_cart_items AS items
LEFT JOIN gold_fakestore.dim_products AS products
  ON items.product_id = products.product_id AND products.valid_to IS NULL
LEFT JOIN gold_fakestore.dim_users AS users
  ON items.user_id = users.user_id AND users.valid_to IS NULL
