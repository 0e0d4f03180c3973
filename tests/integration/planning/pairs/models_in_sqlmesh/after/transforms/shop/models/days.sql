MODEL (
  name gold_shop.days,
  kind FULL,
  description 'Sales by day.',
  audits (not_null(columns := (day)))
);

SELECT
  day,
  SUM(amount) * 100 AS revenue
FROM silver_shop.orders
GROUP BY
  day
