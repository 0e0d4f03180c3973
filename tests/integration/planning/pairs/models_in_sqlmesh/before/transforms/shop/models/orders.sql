MODEL (
  name silver_shop.orders,
  kind FULL,
  audits (not_null(columns := (order_id)))
);

SELECT
  order_id::BIGINT AS order_id,
  day::DATE AS day,
  amount::DECIMAL(18, 2) AS amount,
  note
FROM bronze_shop.orders
