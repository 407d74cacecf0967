"""Heads that observers are told, made when one of them asks."""

from typing import Protocol

from authproxy.exchange import Exchange, RequestHead, ResponseHead, SentHead, Token
from authproxy.wire.observing import read_written
from authproxy.wire.recorder import Recorder
from authproxy.wire.upstream.connection import ServiceConnection
from authproxy.wire.upstream.upstream import Upstream

_made = tuple.__new__
"""Half the price of a named tuple's own."""


class Sending(Protocol):
    """An exchange whose request goes out."""

    head: RequestHead
    exchange: Exchange
    recorder: Recorder
    target: bytes
    upstream: Upstream
    token: Token


def tell_sent(
    relay: Sending, connection: ServiceConnection, fields: bytes, token_line: bytes
) -> None:
    """The request goes out on `connection`; `fields` and `token_line` are finished lines."""
    sent = _sent_head(relay, connection, fields, token_line)
    relay.recorder.head_sent(relay.exchange, sent)


def _sent_head(
    relay: Sending, connection: ServiceConnection, fields: bytes, token_line: bytes
) -> SentHead:
    upstream = relay.upstream
    return _made(
        SentHead,
        (
            upstream.root,
            relay.head.method,
            relay.target,
            "1.1",
            fields,
            token_line,
            relay.token,
            upstream.rules.secret_names,
            None if connection.reused else connection.opening,
            relay.exchange.sent_s,
        ),
    )


def read_own(whole: bytes, body_bytes: int) -> tuple[ResponseHead | None, bytes]:
    """Head and body of an answer of our own; no head where it is no HTTP but an alert of TLS."""
    at = len(whole) - body_bytes
    head = read_written(whole[:at]) if whole.startswith(b"HTTP/") else None
    return head, whole[at:]
