"""What authproxy costs, beside other proxies, measured in one run: `python -m benchmarks`."""
