"""Heads that observers are told, made when one of them asks."""

from typing import Protocol

from authproxy.exchange import RequestHead, ResponseHead, SentHead, Token
from authproxy.wire.observing import read_written
from authproxy.wire.upstream.connection import ServiceConnection
from authproxy.wire.upstream.upstream import Upstream


class Sending(Protocol):
    """An exchange whose request goes out."""

    head: RequestHead
    target: bytes
    upstream: Upstream
    token: Token


def sent_head(
    relay: Sending, connection: ServiceConnection, fields: bytes, token_line: bytes
) -> SentHead:
    """The request as it goes out on `connection`; `fields` and `token_line` are finished lines."""
    upstream = relay.upstream
    return SentHead(
        origin=upstream.origin.root,
        method=relay.head.method,
        target=relay.target,
        version="1.1",
        raw=fields,
        token_name=token_line.partition(b":")[0],
        token=relay.token,
        secret_names=upstream.rules.secret_names,
        opening=None if connection.reused else connection.opening,
    )


def read_own(whole: bytes, body_bytes: int) -> tuple[ResponseHead | None, bytes]:
    """Head and body of an answer of our own; no head where it is no HTTP but an alert of TLS."""
    at = len(whole) - body_bytes
    head = read_written(whole[:at]) if whole.startswith(b"HTTP/") else None
    return head, whole[at:]
