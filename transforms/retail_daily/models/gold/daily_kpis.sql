MODEL (
  name gold_retail_daily.daily_kpis,
  kind FULL,
  grain transaction_date,
  description 'Key figures, one row a day with transactions.',
  column_descriptions (
    transaction_date = 'The day.',
    total_sales = 'Sum of what was paid.',
    total_quantity = 'Number of units sold.',
    average_transaction = 'Average of what was paid in a transaction, rounded to cents.',
    smallest_transaction = 'The least that was paid in a transaction.',
    largest_transaction = 'The most that was paid in a transaction.',
    transactions = 'Number of transactions.',
    distinct_customers = 'Number of different customers who bought.'
  ),
  audits (
    not_null(columns := (
      transaction_date,
      total_sales,
      total_quantity,
      average_transaction,
      smallest_transaction,
      largest_transaction,
      transactions,
      distinct_customers
    )),
    unique_values(columns := (transaction_date)),
    forall(criteria := (
      smallest_transaction <= average_transaction,
      average_transaction <= largest_transaction,
      distinct_customers <= transactions
    ))
  )
);

SELECT
  transaction_date,
  SUM(transaction_amount)::DECIMAL(18, 2) AS total_sales,
  SUM(quantity)::BIGINT AS total_quantity,
  -- DuckDB divides decimals as doubles (1.005 becomes 1.00499…): the step over 8 places makes it exact again.
  (SUM(transaction_amount) / COUNT(*))::DECIMAL(26, 8)::DECIMAL(18, 2) AS average_transaction,
  MIN(transaction_amount)::DECIMAL(18, 2) AS smallest_transaction,
  MAX(transaction_amount)::DECIMAL(18, 2) AS largest_transaction,
  COUNT(*)::BIGINT AS transactions,
  COUNT(DISTINCT customer_id)::BIGINT AS distinct_customers
FROM silver_retail_daily.stg_transactions
GROUP BY
  transaction_date
