"""Header blocks (HPACK, RFC 7541), with a memory of what the same bytes meant before.

`blocks` reads and writes them, `request_blocks` and `response_blocks` remember what was found.
`request_writer` makes of a client's blocks what the service gets, `answer_writer` of a service's
what the client gets.
"""
