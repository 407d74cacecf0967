"""A mixed load for minutes, every answer checked: what it takes, and whether it comes back.

python -m benchmarks.soak --minutes 15 --bin .venv/bin/authproxy --bin OTHER/.venv/bin/authproxy

For each build there are a proxy, a service behind it and a load in front of it, each a process of
its own. All builds run at the same time, so that what the machine does meanwhile hits all of them.
The load is paced: it asks as much of a slow build as of a fast one.
"""
