"""Heads of answers as HTTP/1 has them: how a body ends, and whether the connection goes on."""

from typing import NamedTuple

from authproxy.exchange import RequestHead, ResponseHead
from authproxy.policy.messages.facts import ResponseFacts


class Framing(NamedTuple):
    """How the client knows where the body of an answer ends (RFC 9112 6.3)."""

    in_chunks: bool
    """It is sent in chunks."""
    announces: bool
    """The head says so; that of an answer without its body too, if the service's did."""
    ends_connection: bool
    """With the connection: nothing can follow it."""


def find_framing(request: RequestHead, head: ResponseHead, facts: ResponseFacts) -> Framing:
    """`facts` are those of `head`, the final one for `request`."""
    bodiless = request.method == b"HEAD" or head.status in (204, 304)
    chunks_allowed = request.version != "1.0"
    unbounded = facts.length is None and not bodiless
    named = bodiless and facts.chunked and head.status != 204  # RFC 9112 6.1: never in a 204
    return Framing(
        in_chunks=unbounded and chunks_allowed,
        announces=chunks_allowed and (unbounded or named),
        ends_connection=unbounded and not chunks_allowed,
    )


def connection_line(request: RequestHead, *, keep_alive: bool) -> bytes:
    """The finished Connection line; empty where none is needed."""
    if not keep_alive:
        return b"Connection: close\r\n"
    return b"Connection: keep-alive\r\n" if request.version == "1.0" else b""


def add_to_head(written: bytes, line: bytes) -> bytes:
    """A head with one more finished line, or several."""
    return written[:-2] + line + b"\r\n"
