"""The service's side: `upstream` is one service as the running proxy knows it.

`pool` keeps its connections, `pools` are those of all, `connector` opens them (by way of
`proxy_tunnel` where there is an egress proxy) to the first address that answers (`happy_eyeballs`),
with the contexts of `tls`, which trust by `system_trust`; `connection` is one of them;
`connect_errors` and `mismatch` say what is wrong with it.
"""
