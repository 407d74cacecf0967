"""Configurations of other proxies, made from ours: they move the bytes, the authorizer decides.

`coverage` says of every setting who sees to it there, and `checks` refuses what nobody would.
`plan` is what is left: listeners, names, services, as values. `nginx`, `caddy` and `envoy` write
it down, with `texts` for what several read alike, `nginx_texts` for what nginx's syntax needs and
`envoy_clusters` for the ways out of Envoy. Pure functions; `authproxy export` prints what they
return.
"""
