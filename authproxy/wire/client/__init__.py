"""One client's connection: `connection` reads with `wire.http1` and makes a relay of each request.

`pipeline` has those whose turn is now or later; `first_bytes` tells what else a client may speak;
`ports` is what a connection needs of its server.
"""
