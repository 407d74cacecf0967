"""Sends a request once more, as a client of our own listener: every rule of access holds for it.

What was not kept (keys, cookies, other secrets) is not in it, unless whoever sends it puts it in.
The token is put on by the data path, as for any other client.
"""

import asyncio
import base64
import contextlib
import secrets
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from authproxy.errors import Code, Refused, UpstreamError
from authproxy.inspector.recording.record import Record
from authproxy.inspector.recording.record_maker import REPLAY
from authproxy.inspector.views.snippets import REDACTED, kept_body, missing
from authproxy.tasks import Tasks
from authproxy.values.wording import did_you_mean, quoted

PATIENCE_S = 20.0
MOST_READ = 64 * 1024
_FRAMING = frozenset(
    [
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host"),
        *("content-length", "content-encoding", "expect", "proxy-connection", "http2-settings"),
        *(REPLAY.decode(), "proxy-authorization"),
    ]
)
"""Fields of one message on one connection: each message has its own."""
_CHANGES = ("method", "target", "host", "headers", "body", "body_base64")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayListener:
    """A listener of ours that a replay can go through."""

    host: str = ""
    port: int = 0
    path: str = ""
    """Of a Unix socket, in place of the two."""
    tls: bool = False
    service: str | None = None
    """The only one that it leads to; None: all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRequest:
    """A request to be sent once more."""

    method: str
    target: str
    host: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    is_http2: bool = False


def request_of(record: Record, changes: Mapping[str, object]) -> ReplayRequest:
    """The recorded request with `changes`: method, target, host, headers, body or body_base64.

    Raises Refused for what is not text where text is needed, and where something has to be given
    because it was not kept.
    """
    _refuse_unknown(changes)
    lacks = missing(record)
    if record.request.get(b"upgrade"):
        raise Refused(
            "WebSockets cannot be replayed.",
            code=Code.BAD_REQUEST,
            hint="Replay a request that opens none.",
        )
    if "query" in lacks and "target" not in changes:
        raise _lacking("The query had a secret in it", "target")
    if "body" in lacks and not changes.keys() & {"body", "body_base64"}:
        raise _lacking("The body was not kept as it was", "body")
    headers = changes.get("headers")
    return ReplayRequest(
        method=_text(changes, "method", record.method.decode("latin-1")),
        target=_text(changes, "target", record.target.decode("latin-1")),
        host=_text(changes, "host", record.facts.host.decode("latin-1")),
        headers=_kept(record) if headers is None else _given(headers),
        body=_body(record, changes),
        is_http2=record.version == "2",
    )


def _kept(record: Record) -> list[tuple[str, str]]:
    return [
        (name, value)
        for name, value in record.request.fields
        if REDACTED not in value and name.lower() not in _FRAMING
    ]


def _given(headers: object) -> list[tuple[str, str]]:
    if not isinstance(headers, list):
        raise _unreadable("headers")
    found = []
    for each in headers:
        if not (isinstance(each, list) and len(each) == 2 and all(map(_is_text, each))):
            raise _unreadable("headers")
        if each[0].lower() not in _FRAMING and REDACTED not in each[1]:
            found.append((each[0], each[1]))
    return found


def _body(record: Record, changes: Mapping[str, object]) -> bytes:
    """Bytes that are no text, as those of gRPC, are given in base64."""
    if "body_base64" in changes:
        try:
            return base64.b64decode(_text(changes, "body_base64", ""), validate=True)
        except ValueError:
            raise _unreadable("body_base64") from None
    if "body" in changes:
        return _text(changes, "body", "").encode()
    return kept_body(record) or b""


def _text(changes: Mapping[str, object], name: str, otherwise: str) -> str:
    value = changes.get(name, otherwise)
    if not isinstance(value, str) or not _is_text(value):
        raise _unreadable(name)
    return value


def _is_text(value: object) -> bool:
    """JSON can also write halves of letters, which nobody can send."""
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)


def _refuse_unknown(changes: Mapping[str, object]) -> None:
    """Raises Refused: what was to be changed would be sent as it was."""
    for name in changes:
        if name not in _CHANGES:
            raise Refused(
                f"{quoted(name)} cannot be changed{did_you_mean(name, _CHANGES)}.",
                code=Code.BAD_REQUEST,
                hint=f"What can: {', '.join(_CHANGES)}.",
            )


def _lacking(why: str, name: str) -> Refused:
    return Refused(
        f"{why}, so it cannot be sent again as it was.",
        code=Code.BAD_REQUEST,
        hint=f"Edit it: give `{name}` yourself.",
    )


def _unreadable(name: str) -> Refused:
    return Refused(
        f"`{name}` cannot be read.",
        code=Code.BAD_REQUEST,
        hint="method, target, host, body and body_base64 are texts, headers a list of"
        " [name, value].",
    )


def written(request: ReplayRequest, mark: bytes) -> bytes:
    """The request in HTTP/1.1. `mark` is in a field that Connection names, so it ends at our data
    path. Raises Refused for what would become more than one request."""
    lines = [f"{request.method} {request.target} HTTP/1.1", f"Host: {request.host}"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(request.body)}")
    _refuse_more_than_one(request, lines)
    lines += [f"Connection: close, {REPLAY.decode()}", f"{REPLAY.decode()}: {mark.decode()}"]
    head = "\r\n".join(lines).encode("utf-8", "surrogateescape")
    return head + b"\r\n\r\n" + request.body


def http2_fields(request: ReplayRequest, mark: bytes, scheme: str) -> list[tuple[bytes, bytes]]:
    """The head in HTTP/2. What `mark` stands in is among the names that observers send, so it ends
    at our data path. Raises Refused."""
    _refuse_more_than_one(request, [f"{name}: {value}" for name, value in request.headers])
    own = [
        (":method", request.method),
        (":scheme", scheme),
        (":authority", request.host),
        (":path", request.target),
    ]
    fields = [(name.lower(), value) for name, value in request.headers]
    if any(name == "content-type" and "/grpc" in value for name, value in fields):
        fields.append(("te", "trailers"))
    fields.append((REPLAY.decode(), mark.decode()))
    return [
        (name.encode("utf-8", "surrogateescape"), value.encode("utf-8", "surrogateescape"))
        for name, value in (*own, *fields)
    ]


def _refuse_more_than_one(request: ReplayRequest, lines: Iterable[str]) -> None:
    """Raises Refused for what would become more than one request, or none."""
    lines = [*lines, request.method, request.target, request.host]
    if any(" " in part or not part for part in (request.method, request.target)) or any(
        char in line for line in lines for char in "\r\n\0"
    ):
        raise _unreadable("request")


class Replayer:
    """Sends requests through our own listeners."""

    def __init__(
        self,
        doors: Callable[[], Sequence[ReplayListener]],
        replays: dict[bytes, str],
        note_replays: Callable[[], object],
        tasks: Tasks,
        refresh: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`replays` is where marks of requests that we send are looked for, by `note_replays` at
        the latest; `refresh` has other processes tell of what they have got."""
        self._note_replays = note_replays
        self._refresh = refresh
        self._doors = doors
        self._replays = replays
        self._tasks = tasks

    async def send(self, record: Record, request: ReplayRequest) -> int:
        """The status that came; the rest is read, and so recorded, for a while longer.

        Raises Refused or UpstreamError.
        """
        door = self._find_door(record.facts.service)
        mark = secrets.token_hex(8).encode()
        send = _over_http2(request, mark, door) if request.is_http2 else _over_http1(request, mark)
        self._replays[mark] = str(record.number)
        try:
            async with asyncio.timeout(PATIENCE_S):
                reader, writer = await _connect(door, is_http2=request.is_http2)
                status, rest = await send(reader, writer)
        except (OSError, TimeoutError, ValueError) as error:
            raise UpstreamError(
                "Our own listener gave no answer.",
                code=Code.CONNECT_FAILED,
                sent=True,
                detail=str(error),
            ) from None
        finally:
            if self._refresh is not None:
                await self._refresh()
            self._note_replays()
            self._replays.pop(mark, None)
        self._tasks.spawn(_read_rest(rest, writer), name="answer of a replay")
        return status

    def _find_door(self, service: str) -> ReplayListener:
        doors = [door for door in self._doors() if door.service in (None, service)]
        if not doors:
            raise Refused(
                "No listener is open that a replay could go through.",
                code=Code.NO_ROUTE,
                hint="One with proxy_protocol takes none. Open another one, as on localhost.",
            )
        return min(doors, key=lambda door: door.service is None)


async def _read_status(reader: asyncio.StreamReader) -> int:
    """Of the final answer."""
    while True:
        code = (await reader.readline())[9:12]
        if not code.startswith(b"1") or code == b"101":
            return int(code) if code.isdigit() else 0
        while (await reader.readline()).strip():
            pass


Rest = Callable[[], Awaitable[None]]
Send = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[tuple[int, Rest]]]
"""Sends a request; the status of its answer, and what reads the rest of that."""


def _over_http1(request: ReplayRequest, mark: bytes) -> Send:
    data = written(request, mark)

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, Rest]:
        async def rest() -> None:
            while await reader.read(MOST_READ):
                pass

        writer.write(data)
        return await _read_status(reader), rest

    return send


def _over_http2(request: ReplayRequest, mark: bytes, door: ReplayListener) -> Send:
    from authproxy.inspector.replay_http2 import Http2Call  # h2 takes a mebibyte

    fields = http2_fields(request, mark, "https" if door.tls else "http")

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, Rest]:
        call = Http2Call(reader, writer)
        return await call.send(fields, request.body), call.read_rest

    return send


async def _read_rest(rest: Rest, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            await rest()
    writer.close()


async def _connect(
    door: ReplayListener, *, is_http2: bool
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if door.path:
        return await asyncio.open_unix_connection(door.path)
    context = None
    if door.tls:  # it is our own certificate at an address of this machine: nobody is between
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2" if is_http2 else "http/1.1"])
    return await asyncio.open_connection(door.host, door.port, ssl=context)
