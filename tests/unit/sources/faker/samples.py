"""The sources of retail_daily and of customer_360's files, as a manifest has them below `sources:`."""

from __future__ import annotations

RETAIL = """\
  retail:
    type: faker
    seed: 42
    resources:
      customers:
        rows: 1000
        columns:
          customer_id: uuid4
          first_name: first_name
          last_name: last_name
          email: {template: "{first_name|slug}.{last_name|slug}@example.com"}
          address: street_address
          city: city
          state: state
          country: {constant: United States}
          postal_code: postcode
          date_of_birth: {provider: date_of_birth, arguments: {minimum_age: 18, maximum_age: 90}}
          account_balance: {decimal: [0, 10000], places: 2}
          created_at: {timestamp: [-730d, -366d]}
      products:
        rows: 100
        columns:
          product_id: sequence
          product_name: {provider: catch_phrase, unique: true}
          category: {one_of: [Electronics, Clothing, Food, Books]}
          price: {decimal: [10, 1000], places: 2}
          quantity: {integer: [1, 200]}
      stores:
        rows: 20
        columns:
          store_id: sequence
          store_name: company
          location: city
          store_type: {one_of: [Retail, Online]}
      transactions:
        rows: 10000
        columns:
          transaction_id: uuid4
          customer_id: {ref: customers.customer_id, distribution: skewed}
          transaction_date: {date: [-365d, -1d]}
          transaction_amount: {decimal: [20, 1000], places: 2}
          store_id: {ref: stores.store_id}
          product_id: {ref: products.product_id}
          quantity: {integer: [1, 50]}
          payment_method: {one_of: {Cash: 20, Credit Card: 55, PayPal: 25}}
"""

CUSTOMER_360 = """\
  customer_360_generator:
    type: faker
    seed: 360
    resources:
      users:
        rows: 500
        columns:
          user_id: sequence
          name: name
          email: {provider: email, unique: true}
          country: {provider: country_code, null: 0.02}
          created_at: {timestamp: [2023-01-01, 2023-12-31]}
      orders:
        rows: 3000
        columns:
          order_id: sequence
          user_id: {ref: users.user_id, distribution: skewed}
          order_ts: {timestamp: [2024-01-01, 2025-12-31]}
          amount: {decimal: [5, 500], places: 2}
          currency: {one_of: {EUR: 60, USD: 30, GBP: 10}}
          status: {one_of: {completed: 85, cancelled: 10, refunded: 5}}
      tickets:
        rows: 800
        columns:
          ticket_id: sequence
          user_id: {ref: users.user_id}
          opened_at: {timestamp: [2024-01-01, 2025-12-31]}
          closed_at: {after: opened_at, delay: [10m, 14d], null: {status: [open, pending]}}
          status: {one_of: {closed: 80, open: 15, pending: 5}}
          priority: {one_of: {low: 40, normal: 45, high: 15}}
          subject: {provider: sentence, arguments: {nb_words: 6}}
"""
