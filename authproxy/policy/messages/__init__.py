"""Heads: their facts, and their changes on the way.

`facts` reads what matters for handling, `headers` writes what the other side gets; `http2` has the
same for HTTP/2. Addresses are translated by the table in `address_fields`: `origin_mapping` knows
both addresses, `field_values` and `content_policy` where they stand, `rewriting` does whole heads.
`cookies`, `site_data` and `clearing`; `cors`; `rpc`; `trace_fields`.
"""
