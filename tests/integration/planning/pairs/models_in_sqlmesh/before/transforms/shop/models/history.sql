MODEL (
  name gold_shop.history,
  kind SCD_TYPE_2_BY_COLUMN (
    unique_key order_id,
    columns [note],
    time_data_type TIMESTAMP
  )
);

SELECT
  order_id,
  note::TEXT AS note
FROM silver_shop.orders
