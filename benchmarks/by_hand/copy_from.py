"""One COPY FROM of a file and nothing else: python copy_from.py URL FILE CREATE_TABLE COPY"""

from __future__ import annotations

import sys
from contextlib import closing

import psycopg2

BUFFER_BYTES = 1 << 20

if __name__ == "__main__":
    url, path, create_table, copy = sys.argv[1:]
    with (
        closing(psycopg2.connect(url)) as connection,
        open(path, "rb") as file,  # noqa: PTH123  # pathlib would be imported for this alone
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(create_table)
        cursor.copy_expert(copy, file, BUFFER_BYTES)
