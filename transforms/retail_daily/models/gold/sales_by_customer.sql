MODEL (
  name gold_retail_daily.sales_by_customer,
  kind FULL,
  grain customer_id,
  description 'What each customer bought, one row a customer, also those who bought nothing. Holds personal data.',
  column_descriptions (
    customer_id = 'Key of the customer, a UUID.',
    first_name = 'First name (personal data).',
    last_name = 'Last name (personal data).',
    city = 'City of the address.',
    country = 'Country of the address.',
    transactions = 'Number of transactions; 0 without any.',
    total_quantity = 'Number of units bought; 0 without transactions.',
    total_sales = 'Sum of what was paid; 0 without transactions.',
    last_transaction_date = 'Day of the last transaction; NULL without any.',
    sales_rank = 'Place by total_sales, 1 for the most; of equals the lower key comes first.'
  ),
  audits (
    not_null(columns := (customer_id, first_name, last_name, transactions, total_quantity, total_sales, sales_rank)),
    unique_values(columns := (customer_id, sales_rank)),
    foreign_key(column := customer_id, parent := silver_retail_daily.stg_customers)
  )
);

SELECT
  customers.customer_id,
  customers.first_name,
  customers.last_name,
  customers.city,
  customers.country,
  COUNT(sales.transaction_id)::BIGINT AS transactions,
  COALESCE(SUM(sales.quantity), 0)::BIGINT AS total_quantity,
  COALESCE(SUM(sales.transaction_amount), 0)::DECIMAL(18, 2) AS total_sales,
  MAX(sales.transaction_date)::DATE AS last_transaction_date,
  ROW_NUMBER() OVER (ORDER BY COALESCE(SUM(sales.transaction_amount), 0) DESC, customers.customer_id)::INT AS sales_rank
FROM silver_retail_daily.stg_customers AS customers
LEFT JOIN silver_retail_daily.stg_transactions AS sales
  ON customers.customer_id = sales.customer_id
GROUP BY
  customers.customer_id,
  customers.first_name,
  customers.last_name,
  customers.city,
  customers.country
