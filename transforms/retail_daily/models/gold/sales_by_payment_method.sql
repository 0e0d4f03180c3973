MODEL (
  name gold_retail_daily.sales_by_payment_method,
  kind FULL,
  grain payment_method,
  description 'Sales by payment method, one row a method that was used.',
  column_descriptions (
    payment_method = 'One of Cash, Credit Card and PayPal.',
    transactions = 'Number of transactions.',
    total_quantity = 'Number of units sold.',
    total_sales = 'Sum of what was paid.',
    sales_rank = 'Place by total_sales, 1 for the most; equals are in the order of the alphabet.'
  ),
  audits (
    not_null(columns := (payment_method, transactions, total_quantity, total_sales, sales_rank)),
    unique_values(columns := (payment_method, sales_rank)),
    accepted_values(column := payment_method, is_in := ('Cash', 'Credit Card', 'PayPal'))
  )
);

SELECT
  payment_method,
  COUNT(*)::BIGINT AS transactions,
  SUM(quantity)::BIGINT AS total_quantity,
  SUM(transaction_amount)::DECIMAL(18, 2) AS total_sales,
  ROW_NUMBER() OVER (ORDER BY SUM(transaction_amount) DESC, payment_method)::INT AS sales_rank
FROM silver_retail_daily.stg_transactions
GROUP BY
  payment_method
