"""What clients and servers of MCP say: JSON-RPC, and streams of events."""

import json

from authproxy.errors import Code, UpstreamError
from authproxy.mcp.events import EventReader
from authproxy.mcp.messages import read_message
from authproxy.mcp.stamps import encode
from authproxy.policy.mcp.jsonrpc import read_answered, read_asked, write_errors
from authproxy.policy.mcp.response_watch import ResponseWatch
from fuzz.targets.target import Target, holds, may_raise, pieces, same, text

_ERROR = UpstreamError("It is gone.", code=Code.CONNECT_FAILED, hint="", sent=False)


def events(data: bytes) -> None:
    """The same in one piece and in many."""
    whole, parts = EventReader(), EventReader()
    found = list(whole.feed(data))
    cut = [event for piece in pieces(data) for event in parts.feed(piece)]
    same(found, cut, "events in one piece and in many")
    same((whole.last_id, whole.retry_s), (parts.last_id, parts.retry_s), "id and pause")
    holds(whole.retry_s is None or 0 <= whole.retry_s < 10**9, "a pause that nobody lives to see")
    holds(all(event.data for event in found), "an event without data")


def watched(data: bytes) -> None:
    """What is told of a stream that is lost is the same, however it came."""
    whole, parts = ResponseWatch(["1"]), ResponseWatch(["1"])
    whole.feed(data)
    for piece in pieces(data):
        parts.feed(piece)
    same(
        (whole.wants_error, whole.can_come_back),
        (parts.wants_error, parts.can_come_back),
        "a stream in one piece and in many",
    )


def messages(data: bytes) -> None:
    """A message goes on as one line of JSON with the same meaning."""
    with may_raise(ValueError):
        message = read_message(data)
        holds(b"\n" not in message.raw and b"\r" not in message.raw, "a message of two lines")
        same(json.loads(data), json.loads(message.raw), "what a message means")
        for each in (*message.awaited, *message.answered):
            json.loads(each)
        holds(isinstance(message.method, str) and isinstance(message.version, str), "no texts")


def bodies(data: bytes) -> None:
    """Errors in the place of answers are JSON, one for each id."""
    read_answered(data)
    asked = read_asked(data)
    if asked is None:
        return
    made = json.loads(write_errors(_ERROR, asked, "r"), parse_int=str)
    many = made if isinstance(made, list) else [made]
    same(max(1, len(asked.ids) if asked.is_batch else 1), len(many), "the number of errors")


def stamps(data: bytes) -> None:
    """What stands in a field is ASCII without line breaks."""
    with may_raise(UnicodeEncodeError):
        made = encode(text(data))
        holds(made.isascii() and made.isprintable(), f"{made!r:.100} cannot stand in a field")


TARGETS = {
    "mcp_events": Target(
        play=events,
        modules=("mcp.events",),
        seeds=(
            b"event: message\r\nid: 1\r\ndata: {}\r\n\r\n",
            b"retry: 3000\n: comment\ndata\n\ndata:a\rdata: b\r\r",
            b"retry: " + b"9" * 400 + b"\n\n",
            b"retry: " + b"9" * 5000 + b"\n\n",
            b"\xef\xbb\xbfdata: x\n\nid: \0\n\n",
        ),
    ),
    "mcp_streams": Target(
        play=watched,
        modules=("policy.mcp.response_watch",),
        seeds=(
            b'data: {"jsonrpc": "2.0", "id": 1, "result": {}}\n\n',
            b'id: 4\ndata: {"jsonrpc": "2.0",\ndata: "id": 1, "result": {}}\n\ndata: x',
        ),
    ),
    "mcp_messages": Target(
        play=messages,
        modules=("mcp.messages",),
        seeds=(
            b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": {}}}',
            b'[{"id": {"a": [1]}, "method": "ping"},\n{"result": 1, "id": null}]',
            b'{"method": 1}',
            b'{"id": ' + b"[" * 900 + b"]" * 900 + b', "method": "a"}',
            b"[" * 100_000,
        ),
    ),
    "mcp_bodies": Target(
        play=bodies,
        modules=("policy.mcp.jsonrpc",),
        seeds=(
            b'{"jsonrpc": "2.0", "id": ' + b"9" * 5000 + b', "method": "a"}',
            b'[{"jsonrpc": "2.0", "id": "a\\u0000", "method": "a"}, {"jsonrpc": "2.0"}]',
            b'{"jsonrpc": "2.0", "id": NaN, "method": "a"}',
        ),
    ),
    "mcp_stamps": Target(
        play=stamps, modules=("mcp.stamps",), seeds=(b"name", "ä\n".encode(), b"=?base64?YQ==?=")
    ),
}
