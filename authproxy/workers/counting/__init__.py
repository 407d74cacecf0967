"""Counts of workers, added up by their parent.

`worker_counts` is a worker's side: it takes what was counted since it was asked last, and how the
worker stands. `counts_message` has that as a message. `common_counts` is the parent's side.
"""
