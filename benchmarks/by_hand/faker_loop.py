"""Plain Faker calls, row by row: python faker_loop.py ROWS. Prints the seconds that the rows took."""

from __future__ import annotations

import sys
import time
from datetime import date

from faker import Faker


def make_rows(count: int) -> list[dict[str, object]]:
    fake = Faker()
    Faker.seed(42)
    return [
        {
            "customer_id": number,
            "name": fake.name(),
            "email": fake.email(),
            "city": fake.city(),
            "company": fake.company(),
            "signed_up": fake.date_between(date(2020, 1, 1), date(2026, 1, 1)),
        }
        for number in range(count)
    ]


if __name__ == "__main__":
    Faker().name()  # the providers are imported once, not for each row
    started = time.perf_counter()
    made = make_rows(int(sys.argv[1]))
    print(time.perf_counter() - started)
