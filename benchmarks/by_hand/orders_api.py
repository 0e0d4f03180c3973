"""An API of nested orders on 127.0.0.1, in a process of its own: python orders_api.py ROWS PAGE_ROWS

Prints its address. `/orders?page=N` (from 1) answers with a page as a JSON list; past the last it is empty. All pages
stand in memory as bytes, so that what is measured is the client.
"""

from __future__ import annotations

import json
import sys
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

LINES = 5
CITIES = ("Aarhus", "Bergen", "Cádiz", "Delft", "Évora", "Falun", "Gent", "Łódź")
STATES = ("new", "paid", "shipped", "returned")


def draw(*what: int) -> int:
    """A number that hangs on nothing but its arguments."""
    return int.from_bytes(blake2b(repr(what).encode(), digest_size=6).digest(), "big")


def order(number: int) -> dict[str, Any]:
    at, seed = draw(number, 1), draw(number)
    customer = seed % 50_000
    return {
        "order_id": number,
        "created_at": f"2026-{1 + at % 12:02}-{1 + at % 28:02}T{at % 24:02}:{at % 60:02}:{at % 59:02}Z",
        "status": STATES[seed % 4],
        "is_gift": seed % 7 == 0,
        "note": None if seed % 3 else f"ring twice at {seed % 100}",
        "customer": {
            "id": customer,
            "name": f"Customer {customer}",
            "email": f"customer{customer}@example.com",
            "address": {
                "street": f"Street {seed % 900}",
                "city": CITIES[seed % 8],
                "zip": f"{seed % 100_000:05}",
                "country": "NO",
            },
        },
        "total": (seed % 1_000_000) / 100,
        "currency": "EUR",
        "lines": [line(seed, index) for index in range(LINES)],
    }


def line(seed: int, index: int) -> dict[str, Any]:
    product = (seed + 7919 * index) % 5_000
    return {
        "line_id": index + 1,
        "sku": f"SKU-{product:06}",
        "title": f"Product number {product}",
        "quantity": 1 + (seed >> index) % 9,
        "price": (product * 37 % 20_000) / 100,
        "discount": None if product % 2 else 0.05,
    }


def make_pages(rows: int, page_rows: int) -> list[bytes]:
    return [
        json.dumps(
            [order(n) for n in range(start, min(start + page_rows, rows))], separators=(",", ":")
        ).encode()
        for start in range(0, rows, page_rows)
    ]


def handler_of(pages: list[bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in as few packets as they fit in

        def do_GET(self) -> None:
            number = int(parse_qs(urlsplit(self.path).query).get("page", ["1"])[-1])
            body = pages[number - 1] if 0 < number <= len(pages) else b"[]"
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Handler


if __name__ == "__main__":
    pages = make_pages(int(sys.argv[1]), int(sys.argv[2]))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(pages))
    server.daemon_threads = True
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
