MODEL (
  name gold_shop.days,
  kind FULL,
  description 'Sales by day.'
);

SELECT
  day,
  SUM(amount) AS revenue
FROM silver_shop.orders
GROUP BY
  day
