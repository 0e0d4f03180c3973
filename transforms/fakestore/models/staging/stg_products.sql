MODEL (
  name silver_fakestore.stg_products,
  kind FULL,
  grain product_id,
  description 'Products as loaded, one row a row of bronze_fakestore.products, with names and types made plain.',
  column_descriptions (
    product_id = 'Key of the product in the Fakestore API.',
    title = 'Name of the product.',
    category = 'Category the API lists the product in.',
    price = 'Price of one unit.',
    rating_rate = 'Average rating by customers, 0 to 5.',
    rating_count = 'Number of ratings.',
    extracted_at = 'When the record was received (UTC).'
  ),
  audits (
    not_null(columns := (product_id, title, category, price, rating_rate)),
    unique_values(columns := (product_id)),
    accepted_range(column := price, min_v := 0),
    accepted_range(column := rating_rate, min_v := 0, max_v := 5)
  )
);

SELECT
  id::BIGINT AS product_id,
  TRIM(title)::TEXT AS title,
  TRIM(category)::TEXT AS category,
  price::DECIMAL(18, 2) AS price,
  rating__rate::DOUBLE AS rating_rate,
  rating__count::BIGINT AS rating_count,
  (_extracted_at AT TIME ZONE 'UTC')::TIMESTAMP AS extracted_at
FROM bronze_fakestore.products
