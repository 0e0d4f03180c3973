"""Files beside the warehouse: what every load brought, in files that never change; and where `generate` writes.

place.py     a folder, a bucket or a server to put files in, each whole or not at all
writing.py   the loads that are not in a source's lake yet, and their rows as files
export.py    a SELECT of the warehouse as one Parquet or JSON Lines file, in constant memory
"""
