MODEL (
  name gold_retail_daily.sales_by_product,
  kind FULL,
  grain product_id,
  description 'Sales of each product, one row a product, also those never sold.',
  column_descriptions (
    product_id = 'Key of the product.',
    product_name = 'Name of the product.',
    category = 'One of Electronics, Clothing, Food and Books.',
    transactions = 'Number of transactions; 0 when never sold.',
    total_quantity = 'Number of units sold; 0 when never sold.',
    total_sales = 'Sum of what was paid; 0 when never sold.',
    sales_rank = 'Place by total_sales, 1 for the most; of equals the lower key comes first.'
  ),
  audits (
    not_null(columns := (product_id, product_name, category, transactions, total_quantity, total_sales, sales_rank)),
    unique_values(columns := (product_id, sales_rank)),
    foreign_key(column := product_id, parent := silver_retail_daily.stg_products)
  )
);

SELECT
  products.product_id,
  products.product_name,
  products.category,
  COUNT(sales.transaction_id)::BIGINT AS transactions,
  COALESCE(SUM(sales.quantity), 0)::BIGINT AS total_quantity,
  COALESCE(SUM(sales.transaction_amount), 0)::DECIMAL(18, 2) AS total_sales,
  ROW_NUMBER() OVER (ORDER BY COALESCE(SUM(sales.transaction_amount), 0) DESC, products.product_id)::INT AS sales_rank
FROM silver_retail_daily.stg_products AS products
LEFT JOIN silver_retail_daily.stg_transactions AS sales
  ON products.product_id = sales.product_id
GROUP BY
  products.product_id,
  products.product_name,
  products.category
