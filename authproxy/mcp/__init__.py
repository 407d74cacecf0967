"""`authproxy mcp`: a bridge for MCP clients that start a command and speak with it by stdio.

`command` is where it begins and ends; `proxy` runs authproxy itself in the same process, reached by
a Unix socket that nobody else can open. `stdio` has the client's lines, `messages` reads them as
far as the bridge must, `bridge` looks after the calls in flight, and `conversation` has each
answered, in a session that lasts though the server forgets it.

Two ways lead to the server. `streamable` is Streamable HTTP, with `session` for what a session is,
and how it begins anew; `oldsse` is the HTTP+SSE transport of 2024. `channel` is what they have in
common, `events` reads streams of events, `stamps` writes the header fields of a message, and
`failures` makes an error that people can read of whatever came instead of an answer.

`configs` prints what to paste into a client. Why none of the SDK's transports is in here: decision
37.
"""
