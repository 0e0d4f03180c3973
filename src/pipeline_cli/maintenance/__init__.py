"""What people do to data that is loaded already: replay rejected records, move cursors, fill gaps, go back, compare.

Each of these holds the locks that a run would hold, and what changes data is a run of its own in the ledger.
"""
