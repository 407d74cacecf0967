"""HTTP/1.1 as h11 reads it: a second opinion on what was said on a connection."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import h11

ENOUGH = 2**24
_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n\0]*")
IN_ASCII = bytes(char if char < 0x80 else ord("x") for char in range(256))
"""h11 wants targets in ASCII. We pass them as they come: what is strange in one frames nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    method: bytes
    target: bytes
    fields: Sequence[tuple[bytes, bytes]]
    body: bytes
    whole: bool

    def values(self, name: bytes) -> list[bytes]:
        return [value for each, value in self.fields if each.lower() == name]

    def values_for_cgi(self, name: bytes) -> list[bytes]:
        """Also of the names that CGI cannot tell from `name`."""
        return [v for n, v in self.fields if n.lower().replace(b"_", b"-") == name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    fields: Sequence[tuple[bytes, bytes]]
    body: bytes
    whole: bool


def loose_line(head: bytes) -> bytes | None:
    """The first line after the start line that is no `name: value`."""
    lines = head.split(b"\r\n")[1:]
    return next((line for line in lines if not _LINE.fullmatch(line)), None)


def read_request(data: bytes) -> tuple[Request, bytes] | None:
    """The first request of `data` and what follows; None while its head is not complete.

    Raises h11.RemoteProtocolError for a bad head; a bad body makes the request none that is whole.
    """
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=ENOUGH)
    line, end, rest = data.partition(b"\r\n")
    connection.receive_data(line.translate(IN_ASCII) + end + rest)
    head = connection.next_event()
    if not isinstance(head, h11.Request):
        return None
    body, whole = _read_request_body(connection)
    fields = head.headers.raw_items()
    request = Request(method=head.method, target=head.target, fields=fields, body=body, whole=whole)
    return request, connection.trailing_data[0]


def read_requests(data: bytes, *, blank_lines: bool = False) -> tuple[list[Request], bool]:
    """All requests, the last one perhaps in part; False when h11 refuses what follows them.

    `blank_lines` before a request are skipped, as RFC 9112 2.2 has it.
    """
    found: list[Request] = []
    while data:
        if blank_lines:
            data = data.lstrip(b"\r\n") if data[:2] == b"\r\n" else data
        try:
            read = read_request(data)
        except h11.RemoteProtocolError:
            return found, False
        if read is None:
            break
        request, data = read
        found.append(request)
        if not request.whole:
            break
    return found, True


def find_rest(data: bytes) -> bytes:
    """What stands behind the requests in `data` and is none whose head is whole."""
    while data:
        try:
            read = read_request(data)
        except h11.RemoteProtocolError:
            read = None
        if read is None:
            return data
        request, data = read
        if not request.whole:
            return b""
    return b""


def read_answer(
    data: bytes, method: bytes, *, ended: bool, switching: bool = False
) -> tuple[list[Answer], bytes]:
    """The answer at the beginning of `data`, interim ones before it, and what follows.

    `ended`: nothing comes after `data`. Raises h11.RemoteProtocolError.
    """
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=ENOUGH)
    fields = [("Host", "x"), *([("Connection", "upgrade"), ("Upgrade", "x")] * switching)]
    asked = method if method == b"HEAD" else b"GET"
    connection.send(h11.Request(method=asked, target="/", headers=fields))
    connection.send(h11.EndOfMessage())
    if data:  # to h11 no data is the end
        connection.receive_data(data)
    answers: list[Answer] = []
    while isinstance(event := connection.next_event(), h11.InformationalResponse):
        fields_ = event.headers.raw_items()
        answers.append(Answer(status=event.status_code, fields=fields_, body=b"", whole=True))
    if isinstance(event, h11.Response):
        body, whole = _read_body(connection)
        if ended and not whole:
            whole = _is_ended_by_the_end(connection)
        fields_ = event.headers.raw_items()
        answers.append(Answer(status=event.status_code, fields=fields_, body=body, whole=whole))
    return answers, connection.trailing_data[0]


def _is_ended_by_the_end(connection: h11.Connection) -> bool:
    """Is a body whole when nothing more comes?"""
    connection.receive_data(b"")
    try:
        return isinstance(connection.next_event(), h11.EndOfMessage)
    except h11.RemoteProtocolError:
        return False


def _read_body(connection: h11.Connection) -> tuple[bytes, bool]:
    body = bytearray()
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return bytes(body), True
        else:
            return bytes(body), False


def _read_request_body(connection: h11.Connection) -> tuple[bytes, bool]:
    try:
        return _read_body(connection)
    except h11.RemoteProtocolError:
        return b"", False
