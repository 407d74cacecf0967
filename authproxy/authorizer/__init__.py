"""The authorizer: decides about requests that another proxy passes on, and gives it their tokens.

A proxy asks about each request before it passes it on. Its *question* names the request's method,
target, Host and client in fields of its own. `questions` reads it, `decisions` answers it by the
same rules as the data path, `answers` says no. `http_form` speaks HTTP with nginx, Caddy and
Traefik, `grpc_form` gRPC with Envoy, whose messages are read and written in
`ext_authz`, and described in `envoy_messages`.
"""
