"""The same request twice, directly and through the proxy: what the service saw, what came back."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.support.proxying import TOKEN_TEXT, proxying
from tests.support.raw import Call, Conversation, raw_service
from tests.support.talking import tls_contexts

HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authorization proxy-authenticate proxy-connection te"
    b" transfer-encoding upgrade".split()
)
ONLY_OURS = frozenset(
    b"x-forwarded-for x-forwarded-proto x-forwarded-host forwarded x-serverless-authorization"
    b" http2-settings".split()
)
NOT_FOR_CLIENTS = frozenset(
    [b"alt-svc", b"strict-transport-security", b"public-key-pins", b"expect-ct"]
)


@dataclass(frozen=True, slots=True)
class Message:
    """As it was on the connection, but for the chunks around its body."""

    start: bytes
    lines: Sequence[bytes]
    body: bytes = b""
    trailers: Sequence[bytes] = ()
    rest: bytes = field(default=b"", compare=False)

    def values(self, name: bytes) -> list[bytes]:
        return [value.strip() for lower, value in map(_field, self.lines) if lower == name]

    @property
    def is_chunked(self) -> bool:
        return [value.lower() for value in self.values(b"transfer-encoding")] == [b"chunked"]

    @property
    def has_length(self) -> bool:
        return self.is_chunked or bool(self.values(b"content-length"))

    @property
    def status(self) -> int:
        return int(self.start.split(b" ")[1])


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.lower(), value


def split_message(raw: bytes, *, to_end: bool = False, bodiless: bool = False) -> Message | None:
    """The first message in `raw`, which is well-formed; None while it is not complete.

    `to_end`: without a length the body is all that comes.
    """
    head, end, rest = raw.partition(b"\r\n\r\n")
    if not end:
        return None
    start, *lines = head.split(b"\r\n")
    message = Message(start, lines, rest=rest)
    if bodiless:
        return message
    if message.is_chunked:
        return _split_chunks(start, lines, rest)
    length = int(next(iter(message.values(b"content-length")), len(rest) if to_end else 0))
    if len(rest) < length:
        return None
    return Message(start, lines, rest[:length], (), rest[length:])


def _split_chunks(start: bytes, lines: Sequence[bytes], rest: bytes) -> Message | None:
    body = b""
    while True:
        line, end, rest = rest.partition(b"\r\n")
        if not end:
            return None
        size = int(line.partition(b";")[0], 16)
        if not size:
            break
        if len(rest) < size + 2:
            return None
        body, rest = body + rest[:size], rest[size + 2 :]
    trailers: tuple[bytes, ...] = ()
    while line := rest.partition(b"\r\n")[0]:
        trailers += (line,)
        rest = rest[len(line) + 2 :]
    return Message(start, lines, body, trailers, rest[2:]) if rest[:2] == b"\r\n" else None


Reply = Callable[[Message], bytes]


@dataclass(frozen=True, slots=True)
class Outcome:
    seen: Sequence[Message]
    """By the service."""
    answers: Sequence[Message]
    """To the client, interim ones among them."""


async def twice(
    request: bytes, reply: Reply, *, count: int = 1, tls: bool = False
) -> tuple[Outcome, Outcome, bytes]:
    """Send `request`, which holds `count` of them: directly, then through the proxy.

    The service's authority is the third that is returned.
    """
    seen: list[Message] = []
    serving, trusting = tls_contexts() if tls else (None, None)
    method = request.partition(b" ")[0]
    async with (
        raw_service(_recording(seen, reply), tls=serving) as service,
        proxying(service.url, trust=trusting) as proxy,
    ):
        answers = await _ask(service.port, trusting, request, method, count)
        direct = Outcome([*seen], answers)
        seen.clear()
        answers = await _ask(proxy.port, None, request, method, count)
        return direct, Outcome(seen, answers), service.authority


def _recording(seen: list[Message], reply: Reply) -> Conversation:
    async def talk(call: Call) -> None:
        raw = b""
        while data := await call.reader.read(65536):
            raw += data
            while (message := split_message(raw)) is not None:
                raw = message.rest
                seen.append(message)
                await call.say(reply(message))
                if needs_end(reply(message), message.start.partition(b" ")[0]):
                    call.writer.close()
                    return

    return talk


def needs_end(answer: bytes, method: bytes) -> bool:
    """Does the body of the (last) answer end with the connection?"""
    final = _finals(answer, method, ended=True)[-1]
    return not (final.has_length or method == b"HEAD" or final.status in (204, 304))


def _finals(raw: bytes, method: bytes, *, ended: bool) -> list[Message]:
    """All answers in `raw` that are complete."""
    answers: list[Message] = []
    while raw:
        status = int((raw.split(b" ", 2)[1:2] or [b"0"])[0][:3] or 0)
        bodiless = status < 200 or status in (204, 304) or method == b"HEAD"
        message = split_message(raw, to_end=ended, bodiless=bodiless)
        if message is None or not (ended or bodiless or message.has_length):
            break
        answers.append(message)
        raw = message.rest
    return answers


async def _ask(
    port: int, trusting: ssl.SSLContext | None, request: bytes, method: bytes, count: int
) -> Sequence[Message]:
    reader, writer = await asyncio.open_connection("localhost", port, ssl=trusting)
    writer.write(request)
    raw, answers, ended = b"", list[Message](), False
    async with asyncio.timeout(10):
        while sum(answer.status >= 200 for answer in answers) < count and not ended:
            data = await reader.read(65536)
            raw, ended = raw + data, not data
            answers = _finals(raw, method, ended=ended)
        writer.close()
        await writer.wait_closed()
    return answers


def nominated(message: Message) -> frozenset[bytes]:
    """The fields that a Connection field names."""
    values = message.values(b"connection")
    return frozenset(name.strip().lower() for value in values for name in value.split(b","))


def request_as_documented(direct: Message, authority: bytes, scheme: bytes) -> Message:
    """What docs/how-it-works.md makes of a request; the lines put on stand last, sorted."""
    method, target, _ = direct.start.split(b" ")
    stay = [
        _on_its_way(method, lower, line, authority)
        for lower, line in ((_field(line)[0], line) for line in direct.lines)
        if lower not in HOP_BY_HOP | ONLY_OURS | nominated(direct)
    ]
    start = b"%b %b HTTP/1.1" % (method, target)
    lines = [*stay, *sorted(put_on(direct, authority, scheme))]
    return Message(start, lines, direct.body, direct.trailers)


def _on_its_way(method: bytes, lower: bytes, line: bytes, authority: bytes) -> bytes:
    if lower == b"host":
        return line[:5] + b" " + authority
    if lower == b"max-forwards" and method == b"OPTIONS":  # RFC 9110 7.6.2
        name, _, hops = line.partition(b": ")
        return b"%b: %d" % (name, int(hops) - 1)
    return line


def put_on(direct: Message, authority: bytes, scheme: bytes) -> set[bytes]:
    header = b"X-Serverless-Authorization" if direct.values(b"authorization") else b"Authorization"
    lines = {b"X-Forwarded-For: 127.0.0.1", b"X-Forwarded-Proto: " + scheme}
    lines |= {header + b": Bearer " + TOKEN_TEXT.encode()}
    lines |= {b"X-Forwarded-Host: " + authority}
    if direct.is_chunked:
        lines |= {b"Transfer-Encoding: chunked"}
    if b"trailers" in direct.values(b"te"):
        lines |= {b"Connection: TE", b"TE: trailers"}
    if b"upgrade" in nominated(direct):
        lines |= {b"Connection: Upgrade", b"Upgrade: " + direct.values(b"upgrade")[0]}
    return lines


def sorted_from(message: Message, count: int) -> Message:
    """`message` with its lines from number `count` on in the order of the alphabet."""
    lines = [*message.lines[:count], *sorted(message.lines[count:])]
    return Message(message.start, lines, message.body, message.trailers)


def answer_as_documented(direct: Message) -> Message:
    dropped = HOP_BY_HOP | NOT_FOR_CLIENTS | nominated(direct)
    if direct.status == 204:
        dropped |= {b"content-length"}
    stay = [_on_plain(line) for line in direct.lines if _field(line)[0] not in dropped]
    return Message(b"HTTP/1.1" + direct.start[8:], stay, direct.body, direct.trailers)


def _on_plain(line: bytes) -> bytes:
    """Over plain http a cookie is not Secure; see tests/test_policy_messages_cookies.py for the
    rest."""
    return line.replace(b"; Secure", b"") if _field(line)[0] == b"set-cookie" else line


def without_framing(answer: Message) -> Message:
    """An answer without what the proxy says about its own connection to the client."""
    ours = (b"Transfer-Encoding: chunked", b"Connection: close", b"Connection: keep-alive")
    lines = [line for line in answer.lines if line not in ours]
    return Message(answer.start, lines, answer.body, answer.trailers)
