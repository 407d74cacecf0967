"""Access rules: which clients may pass, and to which services, methods and paths.

`networks` and `client_address` (who is asking), `proxy_header` (who, by a load balancer's word),
`inbound_keys`, `cross_site` (a page in the user's name), `targets` and `permissions` (what for;
with `path_readings` and `overrides`, lest a rule be got round), `client_limits`
(how often and how many; `rate_limits` counts for one process), `health`.
"""
