"""The gate between extraction and loading: every record is checked, counted, and sent to its table or to quarantine.

Two steps in a dlt resource's pipe, because dlt's own incremental step stands between them and must see neither a
record without a cursor nor lose one that is to be quarantined:

    pages -> CheckStep -> [dlt: incremental] -> WriteStep -> [dlt: children of a parent] -> load package

Memory: one page; a page is what the source yields at once.
"""
