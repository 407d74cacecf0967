"""One client's connection: `connection` reads with `wire.http1` and makes a relay of each request.

`pipeline` is the queue of this connection's requests; `first_bytes` recognises what a client
speaks in place of HTTP/1; `rechecking` ends what may not go on by new rules;
`interfaces` is the Protocol of its server.
"""
