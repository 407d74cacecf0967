"""Bytes: what comes from clients, what goes to services, and back.

A request's way, and the order to read in:

    listening/  sockets, TLS, PROXY headers: a connection comes in
    client/     one client's connection, HTTP/1.1
    http1/      heads and bodies taken apart, without I/O
    admission/  who is calling, which service do they want, with whose token
    relay/      one exchange between the two sides
    upstream/   the service's side: pool, connections, the way there
    http2/      the same for HTTP/2, where frames pass as they came
    and here    what they share: `refusals`, our own answers (`replies`, `rpc_replies`), writing
                (`transport`), why nothing is read (`read_holds`), how a connection ends
                (`goodbye`), answers before the answer (`interim`), requests that come back
                (`loops`), `rare_warnings`, numbers (`status`),
                the `recorder` of exchanges and who hears of them (`observing`), and `ports`, by
                which those below know those above
"""
