"""Listeners: sockets, TLS and PROXY headers, until a client's connection is served.

`server` has the connections of all listeners; `sockets` opens what they listen on, `systemd` takes
what was opened already; `acceptor` accepts as many as there is `room` for. Then `proxy_protocol`
and `tls`, and `without_tls` where one side speaks TLS and the other does not. `rechecks` looks at
all connections when the rules are others.
"""
