"""The marketing system's sample data, and small servers that behave like the Meta Ads and GA4 APIs.

people.py      contacts and orders of the CRM
campaigns.py   campaigns, exchange rates, and what Meta and GA4 count of the orders
meta_ads.py    Graph API insights: cursors, limits, expired tokens
ga4.py         the Data API's runReport: offsets, quotas
make.py        writes sources/marketing_crm/*.csv and the recordings of meta_ads and ga4
"""
