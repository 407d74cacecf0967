"""The admin listener: how authproxy is doing, for machines and for the person who runs it.

Its requests never reach a service, and it never sees those that do. Read `listener` first: sockets
in, answers out. `application` makes an aiohttp application of `views`, each of them one method and
path. `guard` decides who may ask for which: probes and metrics are open to `admin_allow`,
everything else is for this machine and the key in `admin_key`, which `key_page` asks a browser for,
and in whose place a browser that a program starts has a ticket. `inside` is the Protocol of the
running proxy, which `runtime` fills. `readiness` decides whether that is ready, `deep` asks the
services too, `probes` are the answers; `metrics_view` is for Prometheus, `status_report` the rest
as JSON, with `rates`; `reloading` reads the configuration anew; `leaving` is `/quitquitquit`, which
ends the process.

Nothing here is imported unless the listener is on: aiohttp costs more than all the rest at start.
"""
