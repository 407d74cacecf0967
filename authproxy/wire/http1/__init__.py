"""Parsers and writers for HTTP/1.1 (RFC 9112), without I/O: bytes in, heads and bodies out.

`request_reader` parses what a client sends and `response_reader` what a service does; each tells
its `Receiver`, a Protocol, what it found. Both read heads with `heads` and bodies with `body`,
which takes chunks off with `chunks`. `response_writer` says how a client learns where an answer
ends. Nothing here knows sockets, asyncio, connections or exchanges: tests feed bytes, split
anywhere.
"""
