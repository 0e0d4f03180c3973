"""Charts: a block's points to a Vega-Lite specification, and that to SVG. No browser, no network.

Nothing of a user's but text and numbers, as data, gets into a specification.
"""
