"""A pretend Google and a pretend Cloud Run that really verify, for `authproxy demo` and tests.

`world` builds it all. Google: `google` with `issuer` and `keys`, and who asks it for tokens:
`metadata`, `oauth`, `iam`, `accounts`; `run_api` and `secret_manager` are its other APIs. Cloud
Run: `cloudrun` with `admission` (who may pass), `iap`, `http2`, and `sample`, the service that runs
there. `endpoint` is what all servers here share, `certificates` and `loopback` make them fit for
this machine, `connect` and `forwarding` lead to them. `runner` starts the demo and `guide` says
what to try; `pages` are Cloud Run's pages of errors, `talk` a client for the demo's WebSocket.
"""
