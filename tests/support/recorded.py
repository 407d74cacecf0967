"""Exchanges for tests of the inspector: through a real proxy, or made up."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from authproxy.exchange import Exchange, Field, RequestHead, ResponseHead, make_field
from authproxy.inspector.assembly import Recording, build_recording
from authproxy.inspector.recording.record import Record
from authproxy.inspector.redaction.names import Names
from authproxy.inspector.redaction.redactor import Redactor
from authproxy.wire.recorder import Recorder
from tests.support.proxying import RunningProxy, proxying

KEY = b"0" * 32
MEBIBYTE = 1024 * 1024


def redactor(*further: str) -> Redactor:
    """One whose digests are the same in every run."""
    return Redactor(Names(further), KEY)


def fields(*lines: tuple[str, str]) -> list[Field]:
    return [make_field(name.encode(), value.encode()) for name, value in lines]


def head(
    *lines: tuple[str, str], method: bytes = b"GET", target: bytes = b"/", version: str = "1.1"
) -> RequestHead:
    return RequestHead(method, target, version, fields(*lines))


class Story:
    """Tells a Recording of made-up exchanges, as the data path does."""

    def __init__(self, *, memory: int = 32 * MEBIBYTE, with_content: Sequence[str] = ()) -> None:
        self.recording = build_recording(
            memory=memory, body_bytes=64 * 1024, with_content=with_content
        )
        self.recorder = Recorder(self.recording.observers)

    def begin(
        self,
        *lines: tuple[str, str],
        method: bytes = b"GET",
        target: bytes = b"/",
        service: str = "billing",
        version: str = "1.1",
    ) -> Exchange:
        asked = head(*lines, method=method, target=target, version=version)
        exchange = self.recorder.begin(None, asked, b"localhost")
        self.recorder.admitted(exchange, service, None, b"localhost", "")
        return exchange

    def answer(self, exchange: Exchange, *lines: tuple[str, str], status: int = 200) -> None:
        came = ResponseHead(status, b"OK", fields(*lines))
        self.recorder.answered(exchange, status)
        self.recorder.answer_head(exchange, came, came)

    def end(self, exchange: Exchange, up: int = 0, down: int = 0) -> Record:
        self.recorder.ended(exchange, up, down)
        record = self.recording.store.find(exchange.number)
        assert record is not None
        return record

    def end_after_all(self, exchange: Exchange) -> None:
        """As `end`, where nothing may have been kept."""
        self.recorder.ended(exchange, 0, 0)

    def tell(self, *lines: tuple[str, str], target: bytes = b"/", status: int = 200) -> Record:
        """A whole exchange."""
        exchange = self.begin(*lines, target=target)
        self.answer(exchange, status=status)
        return self.end(exchange)


@dataclass
class Stage:
    proxy: RunningProxy
    recording: Recording

    @property
    def newest(self) -> Record:
        return next(self.recording.store.newest_first())


Answer = Callable[[bytes, bytes], bytes]


@asynccontextmanager
async def recorded(
    answer: Answer, *, bodies: bool = True, memory: int = 32 * MEBIBYTE, api_key: str | None = None
) -> AsyncIterator[Stage]:
    """A proxy that records, in front of a service that says what `answer` makes of a request's
    head and body."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked = await reader.readuntil(b"\r\n\r\n")
                found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", asked)
                body = await reader.readexactly(int(found[1])) if found else b""
                writer.write(answer(asked, body))
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    recording = build_recording(
        memory=memory, body_bytes=64 * 1024, with_content=["service"] if bodies else []
    )
    async with (
        server,
        proxying(f"http://127.0.0.1:{port}", first=recording.observers, api_key=api_key) as proxy,
    ):
        yield Stage(proxy, recording)


def ok(body: bytes = b"", *lines: bytes) -> bytes:
    """An answer with a length."""
    more = b"".join(line + b"\r\n" for line in lines)
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b\r\n%b" % (len(body), more, body)
