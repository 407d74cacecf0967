"""Keeps tokens: one for each source and audience, fetched once for all who wait.

Read in this order: `service_tokens` (what a request asks), `cache` (all of a process), `refresh`
(when the next one is fetched), `single_flight` (one mint at a time), `retry_state` (after
failures).

`supply` gives a service's requests their token once keys and address are there too, `lifetime` says
when a token is stale, `shared` holds what all have in common, `concurrency` bounds mints at once,
`status` is the report on tokens for listeners and metrics. `authproxy.file_watch` notices changed
files.
"""
