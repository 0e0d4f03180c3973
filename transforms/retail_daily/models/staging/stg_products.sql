MODEL (
  name silver_retail_daily.stg_products,
  kind FULL,
  grain product_id,
  description 'Products as generated, one row a row of bronze_retail.products.',
  column_descriptions (
    product_id = 'Key of the product.',
    product_name = 'Name of the product.',
    category = 'One of Electronics, Clothing, Food and Books.',
    price = 'Price of one unit, 10 to 1000.',
    quantity = 'Number of units in stock, 1 to 200.'
  ),
  audits (
    not_null(columns := (product_id, product_name, category, price)),
    unique_values(columns := (product_id)),
    accepted_values(column := category, is_in := ('Electronics', 'Clothing', 'Food', 'Books')),
    accepted_range(column := price, min_v := 10, max_v := 1000),
    accepted_range(column := quantity, min_v := 1, max_v := 200)
  )
);

SELECT
  product_id::BIGINT AS product_id,
  product_name::TEXT AS product_name,
  category::TEXT AS category,
  price::DECIMAL(18, 2) AS price,
  quantity::INT AS quantity
FROM bronze_retail.products
