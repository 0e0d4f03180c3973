"""Fetching and decoding alone, one page after the other: python fetch_api.py URL"""

from __future__ import annotations

import sys

import requests

if __name__ == "__main__":
    count = page = 0
    with requests.Session() as session:
        while rows := session.get(f"{sys.argv[1]}/orders", params={"page": (page := page + 1)}).json():
            count += len(rows)
    print(count)
