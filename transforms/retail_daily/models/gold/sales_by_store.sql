MODEL (
  name gold_retail_daily.sales_by_store,
  kind FULL,
  grain store_id,
  description 'Sales of each store, one row a store, also those that sold nothing.',
  column_descriptions (
    store_id = 'Key of the store.',
    store_name = 'Name of the store.',
    location = 'City that the store is in.',
    store_type = 'Retail or Online.',
    transactions = 'Number of transactions; 0 when it sold nothing.',
    total_quantity = 'Number of units sold; 0 when it sold nothing.',
    total_sales = 'Sum of what was paid; 0 when it sold nothing.',
    sales_rank = 'Place by total_sales, 1 for the most; of equals the lower key comes first.'
  ),
  audits (
    not_null(columns := (store_id, store_name, store_type, transactions, total_quantity, total_sales, sales_rank)),
    unique_values(columns := (store_id, sales_rank)),
    foreign_key(column := store_id, parent := silver_retail_daily.stg_stores)
  )
);

SELECT
  stores.store_id,
  stores.store_name,
  stores.location,
  stores.store_type,
  COUNT(sales.transaction_id)::BIGINT AS transactions,
  COALESCE(SUM(sales.quantity), 0)::BIGINT AS total_quantity,
  COALESCE(SUM(sales.transaction_amount), 0)::DECIMAL(18, 2) AS total_sales,
  ROW_NUMBER() OVER (ORDER BY COALESCE(SUM(sales.transaction_amount), 0) DESC, stores.store_id)::INT AS sales_rank
FROM silver_retail_daily.stg_stores AS stores
LEFT JOIN silver_retail_daily.stg_transactions AS sales
  ON stores.store_id = sales.store_id
GROUP BY
  stores.store_id,
  stores.store_name,
  stores.location,
  stores.store_type
