"""Header blocks (HPACK, RFC 7541), with a memory of what the same bytes meant before.

`blocks` reads and writes them, `request_blocks` and `response_blocks` remember what was found.
"""
