MODEL (
  name gold_fakestore.dim_products,
  kind SCD_TYPE_2_BY_COLUMN (
    unique_key product_id,
    columns [title, category, price, rating_rate, rating_count],
    -- Left to its default, the type reads otherwise from SQLMesh's state than from this file (0.236), and a
    -- changed model is refused as "destructive".
    time_data_type TIMESTAMP
  ),
  grain (product_id, valid_from),
  description 'Products with their history: a row a version. The current version has no valid_to.',
  column_descriptions (
    product_id = 'Key of the product in the Fakestore API.',
    title = 'Name of the product.',
    category = 'Category the API lists the product in.',
    price = 'Price of one unit in this version.',
    rating_rate = 'Average rating by customers, 0 to 5.',
    rating_count = 'Number of ratings.',
    valid_from = 'Since when this version holds (UTC); the first version holds since 1970.',
    valid_to = 'Until when it held (UTC); NULL for the current version.'
  ),
  audits (
    not_null(columns := (product_id, price, valid_from)),
    unique_values(columns := (product_id), condition := valid_to IS NULL),
    unique_combination_of_columns(columns := (product_id, valid_from))
  )
);

SELECT
  product_id,
  title,
  category,
  price,
  rating_rate,
  rating_count
FROM silver_fakestore.stg_products
