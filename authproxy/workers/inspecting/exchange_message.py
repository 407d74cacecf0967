"""An exchange as a message, and read from one: all that an inspector looks at.

Secrets are in it, as in an Exchange: it goes from one process of ours to another, which takes them
out before it keeps anything.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from ipaddress import ip_address
from typing import Any

from authproxy.errors import Code
from authproxy.exchange import (
    Exchange,
    Field,
    RequestHead,
    ResponseHead,
    Secret,
    SentHead,
    Token,
)
from authproxy.policy.messages.trace_fields import Fields
from authproxy.times import Opening, Times, Wait

Message = Mapping[str, Any]
PLAIN = (
    *("service", "principal", "key", "status", "detail", "bytes_from_client", "bytes_to_client"),
    *("attempts", "first_byte_s", "sent_s", "duration_s", "aborted", "grpc_status"),
    *("started_at", "started"),
)
"""Values that JSON has, too."""


def shown_exchange(exchange: Exchange, number_of: Callable[[Token], int]) -> dict[str, Any]:
    """`number_of` a token: which is told once, apart."""
    head = exchange.head
    found: dict[str, Any] = {name: getattr(exchange, name) for name in PLAIN}
    found |= {
        "id": exchange.request_id,
        "number": exchange.number,
        "client": None if exchange.client is None else str(exchange.client),
        "head": [_text(head.method), _text(head.target), head.version, _block(head.headers)],
        "host": _text(exchange.host),
        "code": exchange.code,
        "sent": [_shown_sent(each, number_of) for each in exchange.sent],
        "own_body": _text(exchange.own_body),
    }
    if exchange.times is not None:
        times = exchange.times
        waits = [[each.what, each.began_s, each.ended_s] for each in times.waits]
        found["times"] = [waits, _shown_opening(times.opening)]
    if exchange.answer is not None:
        came, sent = exchange.answer
        written = _text(sent) if isinstance(sent, bytes) else _shown_head(sent)
        found["answer"] = [None if came is None else _shown_head(came), written]
    return found


def read_head(message: Message) -> RequestHead:
    method, target, version, block = message["head"]
    return RequestHead(_bytes(method), _bytes(target), version, read_block(block))


def read_client(message: Message) -> Any:
    """Its address; None on a Unix socket."""
    return None if message["client"] is None else ip_address(message["client"])


def read_facts(message: Message, tokens: Mapping[int, Token]) -> dict[str, object]:
    """Attributes of the Exchange, by name."""
    found: dict[str, object] = {name: message[name] for name in PLAIN}
    found["host"], found["own_body"] = _bytes(message["host"]), _bytes(message["own_body"])
    found["code"] = None if message["code"] is None else Code(message["code"])
    found["sent"] = tuple(_read_sent(each, tokens) for each in message["sent"])
    found["times"] = _read_times(message["times"]) if "times" in message else None
    found["answer"] = None
    if "answer" in message:
        came, sent = message["answer"]
        written = _bytes(sent) if isinstance(sent, str) else _read_head(sent)
        found["answer"] = None if came is None else _read_head(came), written
    return found


def shown_token(token: Token) -> Message:
    return {**asdict(token), "value": token.value.reveal()}


def read_token(message: Message) -> Token:
    return Token(**{**message, "value": Secret(message["value"])})


def shown_fields(fields: Sequence[Field]) -> str:
    return _block(fields)


def read_block(block: str) -> Fields:
    """A name in HTTP/2 may begin with a colon."""
    found = Fields()
    found.block = _bytes(block)
    for line in found.block.split(b"\r\n") if block else ():
        end = line.index(b":", 1)
        found.append((line[:end].lower(), line[end + 1 :].strip(b" \t"), line))
    return found


def _text(data: bytes) -> str:
    return data.decode("latin-1")


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


def _block(fields: Sequence[Field]) -> str:
    return _text(b"\r\n".join(line for _, _, line in fields))


def _shown_head(head: ResponseHead) -> list[object]:
    return [head.status, _text(head.reason), head.version, _block(head.headers)]


def _read_head(told: Sequence[Any]) -> ResponseHead:
    status, reason, version, block = told
    return ResponseHead(status, _bytes(reason), read_block(block), version)


def _shown_sent(sent: SentHead, number_of: Callable[[Token], int]) -> list[object]:
    return [
        sent.origin,
        _text(sent.method),
        _text(sent.target),
        sent.version,
        _shown_raw(sent.raw),
        _text(sent.token_line),
        number_of(sent.token),
        [_text(name) for name in sent.secret_names],
        _shown_opening(sent.opening),
        sent.at_s,
    ]


def _shown_raw(raw: bytes | Sequence[tuple[bytes, bytes]]) -> object:
    """Lines in HTTP/1, pairs in HTTP/2."""
    if isinstance(raw, bytes):
        return _text(raw)
    return [[_text(name), _text(value)] for name, value in raw]


def _read_sent(told: Sequence[Any], tokens: Mapping[int, Token]) -> SentHead:
    origin, method, target, version, raw, token_line, token, secret_names, opening, at_s = told
    return SentHead(
        origin,
        _bytes(method),
        _bytes(target),
        version,
        _read_raw(raw),
        _bytes(token_line),
        tokens[token],
        frozenset(map(_bytes, secret_names)),
        _read_opening(opening),
        at_s,
    )


def _read_raw(told: Any) -> bytes | Sequence[tuple[bytes, bytes]]:
    if isinstance(told, str):
        return _bytes(told)
    return tuple((_bytes(name), _bytes(value)) for name, value in told)


def _shown_opening(opening: Opening | None) -> list[float] | None:
    return None if opening is None else [opening.began, opening.connected, opening.ready]


def _read_opening(told: Sequence[float] | None) -> Opening | None:
    if told is None:
        return None
    began, connected, ready = told
    return Opening(began=began, connected=connected, ready=ready)


def _read_times(told: Sequence[Any]) -> Times:
    waits, opening = told
    found = Times()
    found.waits = tuple(Wait(*each) for each in waits)
    found.opening = _read_opening(opening)
    return found
