"""One client's connection: `connection` reads with `wire.http1` and makes a relay of each request.

`holds` are the reasons for which nothing is read, `goodbye` the last moments of a connection.
"""
