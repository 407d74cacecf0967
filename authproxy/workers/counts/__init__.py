"""Counts of clients that hold for all workers together.

`shared_limits` puts all of it together. `shared_memory` is where they are counted, `shared_table`
the entries in it. `shared_rates` has rates and wrong keys, `shared_connections` connections.
"""
