"""Bytes: what comes from clients, what goes to services, and back.

A request's way, and the order to read in:

    listening/  sockets, TLS, PROXY headers: a connection comes in
    client/     one client's connection, HTTP/1.1
    http1/      heads and bodies taken apart, without I/O
    admission/  who is calling, which service do they want, with whose token
    relay/      one exchange between the two sides
    upstream/   the service's side: pool, connections, the way there
    http2/      the same for HTTP/2, where frames pass as they came
    mcp/        what clients of the Model Context Protocol need besides, for both
    and here    what they share: `refusals`, our own answers (`replies`, `rpc_replies`,
                `mcp_replies`), writing (`transport`), pauses in reading (`read_holds`), the last
                moments of a client's connection (`goodbye`), limits of 1xx answers (`interim`),
                requests that come back (`loops`), peers that are gone without a word
                (`lost_peers`), `rare_warnings`, numbers (`status`), the
                `recorder` of exchanges, the observers' methods (`observing`), and `interfaces`:
                Protocols for objects that packages above make
"""
