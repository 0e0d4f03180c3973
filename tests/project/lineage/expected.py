"""What each column of the reference project's models is made of, read off their SQL by people.

Table -> column -> what it is made of, as `table.column` without schemas, separated by blanks; `table.*` is its
rows. "*" names the tables that all other columns come from under their own name. A column that is not told of by
either is made of nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

Expected = Mapping[str, Mapping[str, str]]

FAKESTORE: Expected = {
    "silver_fakestore.stg_carts": {
        "cart_id": "carts.id",
        "user_id": "carts.user_id",
        "carted_at": "carts.date",
        "extracted_at": "carts._extracted_at",
    },
    "silver_fakestore.stg_cart_items": {
        "cart_item_id": "carts.id carts__products._dlt_list_idx",
        "cart_id": "carts.id",
        "line_position": "carts__products._dlt_list_idx",
        "product_id": "carts__products.product_id",
        "quantity": "carts__products.quantity",
    },
    "silver_fakestore.stg_products": {
        "product_id": "products.id",
        "title": "products.title",
        "category": "products.category",
        "price": "products.price",
        "rating_rate": "products.rating__rate",
        "rating_count": "products.rating__count",
        "extracted_at": "products._extracted_at",
    },
    "silver_fakestore.stg_users": {
        "user_id": "users.id",
        "username": "users.username",
        "email": "users.email",
        "first_name": "users.name__firstname",
        "last_name": "users.name__lastname",
        "city": "users.address__city",
        "extracted_at": "users._extracted_at",
    },
    # valid_from and valid_to are SQLMesh's own: no column makes them.
    "gold_fakestore.dim_products": {"*": "stg_products", "valid_from": "", "valid_to": ""},
    "gold_fakestore.dim_users": {"*": "stg_users", "valid_from": "", "valid_to": ""},
    "gold_fakestore.fact_cart_items": {
        "cart_item_id": "stg_cart_items.cart_item_id",
        "cart_id": "stg_cart_items.cart_id",
        "user_id": "stg_carts.user_id",
        "product_id": "stg_cart_items.product_id",
        "sale_date": "stg_carts.carted_at",
        "quantity": "stg_cart_items.quantity",
        "unit_price": "dim_products.price",
        "line_revenue": "stg_cart_items.quantity dim_products.price",
        "product_rating": "dim_products.rating_rate",
    },
    "gold_fakestore.fact_carts": {
        "cart_id": "stg_carts.cart_id",
        "user_id": "stg_carts.user_id",
        "sale_date": "stg_carts.carted_at",
        "item_count": "fact_cart_items.cart_item_id",
        "total_quantity": "fact_cart_items.quantity",
        "total_revenue": "fact_cart_items.line_revenue",
    },
    "gold_fakestore.mart_sales_overview": {
        "*": "fact_cart_items",
        "sale_year": "fact_cart_items.sale_date",
        "sale_month": "fact_cart_items.sale_date",
        "sale_day": "fact_cart_items.sale_date",
        "product_category": "dim_products.category",
        "rating_category": "fact_cart_items.product_rating",
        "price_tier": "fact_cart_items.unit_price",
        "customer_name": "dim_users.username",
        "customer_city": "dim_users.city",
        "order_value_category": "fact_cart_items.line_revenue",
        "purchase_size_category": "fact_cart_items.quantity",
    },
}

RETAIL_DAILY: Expected = {
    "silver_retail_daily.stg_customers": {"*": "customers"},
    "silver_retail_daily.stg_products": {"*": "products"},
    "silver_retail_daily.stg_stores": {"*": "stores"},
    "silver_retail_daily.stg_transactions": {"*": "transactions"},
    "gold_retail_daily.daily_kpis": {
        "transaction_date": "stg_transactions.transaction_date",
        "total_sales": "stg_transactions.transaction_amount",
        "total_quantity": "stg_transactions.quantity",
        "average_transaction": "stg_transactions.transaction_amount stg_transactions.*",
        "smallest_transaction": "stg_transactions.transaction_amount",
        "largest_transaction": "stg_transactions.transaction_amount",
        "transactions": "stg_transactions.*",
        "distinct_customers": "stg_transactions.customer_id",
    },
    "gold_retail_daily.sales_by_customer": {
        "*": "stg_customers",
        "transactions": "stg_transactions.transaction_id",
        "total_quantity": "stg_transactions.quantity",
        "total_sales": "stg_transactions.transaction_amount",
        "last_transaction_date": "stg_transactions.transaction_date",
        "sales_rank": "stg_transactions.transaction_amount stg_customers.customer_id",
    },
    "gold_retail_daily.sales_by_payment_method": {
        "payment_method": "stg_transactions.payment_method",
        "transactions": "stg_transactions.*",
        "total_quantity": "stg_transactions.quantity",
        "total_sales": "stg_transactions.transaction_amount",
        "sales_rank": "stg_transactions.transaction_amount stg_transactions.payment_method",
    },
    "gold_retail_daily.sales_by_product": {
        "*": "stg_products",
        "transactions": "stg_transactions.transaction_id",
        "total_quantity": "stg_transactions.quantity",
        "total_sales": "stg_transactions.transaction_amount",
        "sales_rank": "stg_transactions.transaction_amount stg_products.product_id",
    },
    "gold_retail_daily.sales_by_store": {
        "*": "stg_stores",
        "transactions": "stg_transactions.transaction_id",
        "total_quantity": "stg_transactions.quantity",
        "total_sales": "stg_transactions.transaction_amount",
        "sales_rank": "stg_transactions.transaction_amount stg_stores.store_id",
    },
}

CRM: Expected = {
    "silver_crm.stg_customers": {"*": "customers"},
    "silver_crm.stg_products": {"*": "products"},
    "silver_crm.stg_purchases": {"*": "purchases"},
    "gold_crm.dim_customers": {"*": "stg_customers"},
    "gold_crm.fact_customer_purchases": {
        "*": "stg_purchases",
        "name": "dim_customers.name",
        "email": "dim_customers.email",
        "region": "dim_customers.region",
        "product_name": "stg_products.product_name",
        "category": "stg_products.category",
        "price": "stg_products.price",
    },
    "gold_crm.fact_customer_lifetime_value": {
        "*": "dim_customers",
        "number_of_purchases": "stg_purchases.purchase_id",
        "total_customer_spending": "stg_purchases.amount",
        "average_purchase_value": "stg_purchases.amount stg_purchases.purchase_id",
        "first_purchase_date": "stg_purchases.date",
        "last_purchase_date": "stg_purchases.date",
        "customer_age_in_days": "stg_purchases.date",
        "customer_segment": "stg_purchases.amount",
    },
    "gold_crm.fact_product_performance": {
        "*": "stg_products",
        "number_of_units_sold": "stg_purchases.purchase_id",
        "total_revenue": "stg_purchases.amount",
        "average_sale_price": "stg_purchases.amount stg_purchases.purchase_id",
        "regions_sold_in": "dim_customers.region",
        "most_recent_sale_date": "stg_purchases.date",
    },
    "gold_crm.fact_regional_sales": {
        "region": "dim_customers.region",
        "number_of_customers": "dim_customers.customer_id",
        "number_of_purchases": "stg_purchases.purchase_id",
        "total_sales_amount": "stg_purchases.amount",
    },
}

_DAYS = "stg_users.signed_up_at stg_orders.ordered_at stg_tickets.opened_at stg_tickets.closed_at"
_DATE = (
    *("date_day", "year", "quarter", "month", "month_name"),
    *("week_of_year", "day_of_month", "day_of_week", "day_name", "is_weekend"),
)
CUSTOMER_360: Expected = {
    "silver_customer_360.stg_users": {"*": "users"},
    "silver_customer_360.stg_orders": {"*": "orders"},
    "silver_customer_360.stg_tickets": {"*": "tickets"},
    "gold_customer_360.dim_date": dict.fromkeys(_DATE, _DAYS),
    "gold_customer_360.dim_users": {"*": "stg_users", "signed_up_date": "stg_users.signed_up_at"},
    "gold_customer_360.fct_orders": {
        "*": "stg_orders",
        "order_date": "stg_orders.ordered_at",
        "is_cancelled": "stg_orders.status",
        "revenue": "stg_orders.status stg_orders.amount",
    },
    "gold_customer_360.fct_tickets": {
        "*": "stg_tickets",
        "opened_date": "stg_tickets.opened_at",
        "closed_date": "stg_tickets.closed_at",
        "is_open": "stg_tickets.closed_at",
        "hours_to_resolution": "stg_tickets.opened_at stg_tickets.closed_at",
    },
    "gold_customer_360.customer_360": {
        "*": "dim_users",
        "orders": "fct_orders.*",
        "cancelled_orders": "fct_orders.is_cancelled",
        "revenue": "fct_orders.revenue",
        "first_order_at": "fct_orders.ordered_at",
        "last_order_at": "fct_orders.ordered_at",
        "tickets": "fct_tickets.*",
        "open_tickets": "fct_tickets.is_open",
        "hours_to_resolution": "fct_tickets.hours_to_resolution",
        "last_activity_at": (
            "dim_users.signed_up_at fct_orders.ordered_at fct_tickets.opened_at fct_tickets.closed_at"
        ),
    },
}

_USD = "stg_exchange_rates.usd_rate"
_ORDER = (
    *(
        "order_id",
        "order_ts",
        "order_date",
        "revenue",
        "amount",
        "currency",
        "items",
        "channel",
        "utm_source",
    ),
    *("utm_medium", "payment_method", "is_repeat", "transaction_id", "_run_id", "_extracted_at"),
)
_EVENT = (
    *("event_ts", "event_name", "user_pseudo_id", "value_usd", "transaction_id"),
    *("source", "medium", "campaign_name", "_run_id", "_extracted_at"),
)
MARKETING: Expected = {
    "silver_marketing.exchange_rates": {},
    "silver_marketing.stg_exchange_rates": {
        "*": "exchange_rates",
        "valid_until": "exchange_rates.valid_from exchange_rates.currency",
    },
    "silver_marketing.stg_contacts": {"*": "contacts"},
    "silver_marketing.stg_ga4_events": {
        "*": "events",
        "ga4_event_key": "events.event_name events.transaction_id events.event_id",
    },
    "silver_marketing.stg_meta_ads": {
        "*": "insights",
        "meta_ads_key": "insights.campaign_id insights.date",
        "usd_rate": _USD,
        "spend": f"insights.spend {_USD}",
        "ctr": "insights.clicks insights.impressions",
        "cpc": f"insights.spend insights.clicks {_USD}",
        "cost_per_conversion": f"insights.spend insights.conversions {_USD}",
    },
    "silver_marketing.stg_orders": {
        "*": "orders",
        "order_key": "orders.order_id",
        "order_date": "orders.order_ts",
        "usd_rate": _USD,
        "revenue": f"orders.amount {_USD}",
    },
    "gold_marketing.dim_campaign": {
        "campaign_key": "stg_meta_ads.campaign_id stg_orders.campaign_id",
        "campaign_id": "stg_meta_ads.campaign_id stg_orders.campaign_id",
        "campaign_name": (
            "stg_meta_ads.campaign_name stg_ga4_events.campaign_name"
            " stg_meta_ads.campaign_id stg_orders.campaign_id"
        ),
        "channel": "stg_meta_ads.campaign_id stg_orders.channel",
        "first_date": "stg_meta_ads.date stg_orders.order_date",
        "last_date": "stg_meta_ads.date stg_orders.order_date",
    },
    "gold_marketing.dim_contacts": {
        "*": "stg_contacts",
        "contact_key": "stg_contacts.contact_id stg_orders.contact_id",
        "contact_id": "stg_contacts.contact_id stg_orders.contact_id",
        "first_order_date": "stg_orders.order_date",
        "orders": "stg_orders.*",
        "revenue": "stg_orders.revenue",
    },
    "gold_marketing.dim_meta_ads": {"*": "stg_meta_ads", "campaign_key": "stg_meta_ads.campaign_id"},
    "gold_marketing.fact_orders": {
        "*": "stg_orders",
        "contact_key": "dim_contacts.contact_key",
        "campaign_key": "stg_orders.campaign_id",
        "order_month": "stg_orders.order_date",
        "country": "dim_contacts.country",
        "_row_hash": " ".join(
            [
                *(f"stg_orders.{column}" for column in (*_ORDER, "campaign_id")),
                "dim_contacts.contact_key dim_contacts.country",
            ]
        ),
        "_loaded_at": "",
    },
    "gold_marketing.dim_ga4_events": {
        "*": "stg_ga4_events",
        "event_date": "stg_ga4_events.event_ts",
        "order_key": "fact_orders.order_key",
        "campaign_key": "dim_campaign.campaign_id",
        "_row_hash": " ".join(
            [
                *(f"stg_ga4_events.{column}" for column in _EVENT),
                "fact_orders.order_key dim_campaign.campaign_id",
            ]
        ),
        "_loaded_at": "",
    },
}

ALL = {
    "fakestore": FAKESTORE,
    "retail_daily": RETAIL_DAILY,
    "crm": CRM,
    "customer_360": CUSTOMER_360,
    "marketing": MARKETING,
}
