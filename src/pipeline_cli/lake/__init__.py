"""Files beside the warehouse: what every load brought, in files that never change; and where `generate` writes.

place.py     a folder, a bucket or a server to put files in, each whole or not at all
"""
