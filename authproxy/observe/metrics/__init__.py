"""Metrics for Prometheus and its like: counters, histograms and gauges, at `/metrics`.

Two halves. The first is on the way of every exchange and is plain Python: `exchanges` is the
observer that counts, in `histogram`s; `loop_lag` and `reloads` count what is no exchange. The
second runs when somebody asks: `definitions` has every metric with its help, `collector` reads all
figures as families of prometheus_client, `exposition` writes those piece by piece, so that the
event loop is not held up, `negotiation` chooses the format, and `scrape` puts it together.

Labels are names of configured services, and words of tables here: never a path, a key, a host or
anything else that a client can choose. `docs/metrics.md` lists it all.
"""
