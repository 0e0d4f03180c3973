"""Loading columns: one statement reads a scan, checks it and writes it, in one transaction for the whole source.

    sources' scans -> reading.py (one SELECT) -> target_*.py (the warehouse) ; suspects -> sink.py -> quarantine

Rows, rejects, the list of done files, cursors and dlt's own bookkeeping commit together: a load that dies has
never been, and there is nothing to recover. Memory: DuckDB's own buffers and one batch of suspects.
"""
