"""Access rules: which clients may pass, and to which services, methods and paths.

By client: `networks` (lists of addresses), `client_address` (behind trusted proxies),
`proxy_header` (the PROXY protocol), `inbound_keys` (keys that clients show), `client_limits` (how
often and how many; `rate_limits` counts for one process).

By request: `cross_site` refuses what a page of another site asks in the user's name; `targets`
parses what is asked for, `permissions` decides about method and path. `path_readings` and
`overrides` keep a rule from being got round, by another spelling of the path or by a header field
that names another method. `health` answers load balancers' checks.
"""
