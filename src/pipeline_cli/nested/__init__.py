"""Records of JSON as nested Arrow tables: a page is typed and checked at once, and unnested by column.

    page -> shape.py (the fields seen so far) -> reading.py (one Arrow table, or None) -> spool.py (a file of dlt's
    package) -> normalizer.py (in dlt's normalize step) -> unnest.py, values.py -> a file for each table

    many pages -> ahead.py (the same beside the extraction) -> normalizer.py (takes these files over)

dlt keeps the schema, which it evolves from an exemplar of each file (exemplar.py); names, nesting and types are
asked of its own normalizer. What a page's table cannot hold exactly, or has not been seen before, is judged record
by record and goes the way of rows. Memory: one page.
"""
