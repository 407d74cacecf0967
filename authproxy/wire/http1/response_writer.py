"""Heads of answers as HTTP/1 has them: how a body ends, and whether the connection goes on."""

from authproxy.exchange import RequestHead, ResponseHead
from authproxy.policy.messages.facts import ResponseFacts

Framing = tuple[bool, bool, bool]
"""How the client knows where the body of an answer ends (RFC 9112 6.3): it is sent in chunks; the
head says so, as does that of an answer without its body, if the service's did; it ends with the
connection, and nothing can follow."""
BY_LENGTH: Framing = (False, False, False)


def find_framing(request: RequestHead, head: ResponseHead, facts: ResponseFacts) -> Framing:
    """`facts` are those of `head`, the final one for `request`."""
    if facts.length is not None:
        return BY_LENGTH
    bodiless = request.method == b"HEAD" or head.status in (204, 304)
    chunks_allowed = request.version != "1.0"
    named = bodiless and facts.chunked and head.status != 204  # RFC 9112 6.1: never in a 204
    in_chunks = chunks_allowed and not bodiless
    return in_chunks, in_chunks or (chunks_allowed and named), not (bodiless or chunks_allowed)


def connection_line(request: RequestHead, *, keep_alive: bool) -> bytes:
    """The finished Connection line; empty where none is needed."""
    if not keep_alive:
        return b"Connection: close\r\n"
    return b"Connection: keep-alive\r\n" if request.version == "1.0" else b""


def add_to_head(written: bytes, line: bytes) -> bytes:
    """A head with one more finished line, or several."""
    return written[:-2] + line + b"\r\n"
