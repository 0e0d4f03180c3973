MODEL (
  name gold_shop.notes,
  kind FULL
);

SELECT
  note,
  COUNT(*) AS orders
FROM silver_shop.orders
GROUP BY
  note
