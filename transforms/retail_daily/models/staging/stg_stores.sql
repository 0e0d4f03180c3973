MODEL (
  name silver_retail_daily.stg_stores,
  kind FULL,
  grain store_id,
  description 'Stores as generated, one row a row of bronze_retail.stores.',
  column_descriptions (
    store_id = 'Key of the store.',
    store_name = 'Name of the store.',
    location = 'City that the store is in.',
    store_type = 'Retail or Online.'
  ),
  audits (
    not_null(columns := (store_id, store_name, store_type)),
    unique_values(columns := (store_id)),
    accepted_values(column := store_type, is_in := ('Retail', 'Online'))
  )
);

SELECT
  store_id::BIGINT AS store_id,
  store_name::TEXT AS store_name,
  location::TEXT AS location,
  store_type::TEXT AS store_type
FROM bronze_retail.stores
