MODEL (
  name silver_retail_daily.stg_transactions,
  kind FULL,
  grain transaction_id,
  -- The audits compare with them.
  depends_on [silver_retail_daily.stg_customers, silver_retail_daily.stg_stores, silver_retail_daily.stg_products],
  description 'Transactions as generated, one row a row of bronze_retail.transactions.',
  column_descriptions (
    transaction_id = 'Key of the transaction, a UUID.',
    customer_id = 'Who bought.',
    transaction_date = 'Day of the transaction.',
    transaction_amount = 'What was paid, 20 to 1000.',
    store_id = 'Where it was bought.',
    product_id = 'What was bought.',
    quantity = 'Number of units, 1 to 50.',
    payment_method = 'One of Cash, Credit Card and PayPal.'
  ),
  audits (
    not_null(columns := (transaction_id, transaction_date, transaction_amount, quantity, payment_method)),
    unique_values(columns := (transaction_id)),
    foreign_key(column := customer_id, parent := silver_retail_daily.stg_customers),
    foreign_key(column := store_id, parent := silver_retail_daily.stg_stores),
    foreign_key(column := product_id, parent := silver_retail_daily.stg_products),
    accepted_range(column := transaction_amount, min_v := 20, max_v := 1000),
    accepted_range(column := quantity, min_v := 1, max_v := 50),
    accepted_values(column := payment_method, is_in := ('Cash', 'Credit Card', 'PayPal'))
  )
);

SELECT
  transaction_id::TEXT AS transaction_id,
  customer_id::TEXT AS customer_id,
  transaction_date::DATE AS transaction_date,
  transaction_amount::DECIMAL(18, 2) AS transaction_amount,
  store_id::BIGINT AS store_id,
  product_id::BIGINT AS product_id,
  quantity::INT AS quantity,
  payment_method::TEXT AS payment_method
FROM bronze_retail.transactions
