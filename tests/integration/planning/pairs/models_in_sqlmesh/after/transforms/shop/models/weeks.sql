MODEL (
  name gold_shop.weeks,
  kind FULL
);

SELECT
  DATE_TRUNC('WEEK', day)::DATE AS week,
  SUM(revenue) AS revenue
FROM gold_shop.days
GROUP BY
  DATE_TRUNC('WEEK', day)
