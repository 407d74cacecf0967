"""Faults of the network and of services: names that cannot be looked up for a while, certificates
that expire, services that restart under load."""

import asyncio
import os
import socket
import ssl
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from authproxy.tasks import Tasks
from tests.support.certificates import write_authority
from tests.support.http2 import Call as Http2Call
from tests.support.http2 import Client, call_of, http2_service
from tests.support.program import Program
from tests.support.raw import Call, raw_service
from tests.support.talking import answer_of, until

PLAIN = ("--credentials", "none", "-l", "127.0.0.1:0", "--no-access-log")
CLOSING = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


async def answer_once(call: Call) -> None:
    """Each request needs a connection of its own, with a lookup and a handshake."""
    if await call.read_head():
        await call.say(CLOSING)


async def becomes(program: Program, status: bytes) -> bytes:
    """The first answer with this status."""
    async with asyncio.timeout(20):
        while not (answer := await answer_of(program.port)).startswith(b"HTTP/1.1 " + status):  # noqa: ASYNC110 -- only time
            await asyncio.sleep(0.05)
    return answer


async def test_a_certificate_that_expires_is_told_and_a_renewed_one_is_taken(
    tmp_path: Path,
) -> None:
    """The service's; for a listener's see test_a_renewed_certificate_is_shown_without_a_restart."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    trust = ("--ca-file", write_authority(tmp_path, authority))
    async with (
        raw_service(answer_once, tls=context) as service,
        Program(service.url, *PLAIN, *trust) as program,
    ):
        await answer_of(program.port)  # by the connection that stood already
        soon = datetime.now(UTC) + timedelta(seconds=3)
        authority.issue_cert("localhost", not_after=soon).configure_cert(context)
        before = await answer_of(program.port)
        expired = await becomes(program, b"502")
        authority.issue_cert("localhost").configure_cert(context)
        after = await answer_of(program.port)

    assert [b"ok", b"ok"] == [before[-2:], after[-2:]]
    assert b"certificate_expired" in expired or b"has expired" in expired
    assert "Traceback" not in program.stderr


class NameServer(asyncio.DatagramProtocol):
    """Says that every name is 127.0.0.1, or nothing."""

    def __init__(self) -> None:
        self.is_gone = False
        self.asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, peer: object) -> None:
        self.asked += 1
        if self.is_gone:
            return
        end = data.index(b"\0", 12) + 5  # RFC 1035 4.1: the header, the question
        is_a = data[end - 4 : end - 2] == b"\0\x01"
        head = data[:2] + struct.pack("!HHHHH", 0x8180, 1, int(is_a), 0, 0)
        answer = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + socket.inet_aton("127.0.0.1")
        said = head + data[12:end] + is_a * answer
        self._transport.sendto(said, peer)  # type: ignore[attr-defined]  # -- one for datagrams


@asynccontextmanager
async def name_server(address: str) -> AsyncIterator[NameServer]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, (address, 53))
    yield server
    transport.close()


WITH_RESOLVER = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


@pytest.mark.outside
@pytest.mark.skipif(os.geteuid() != 0, reason="port 53 and mounts are root's, as CI is")
async def test_names_that_cannot_be_looked_up_for_a_while_are_told_and_found_again(
    tmp_path: Path,
) -> None:
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("nameserver 127.53.0.1\noptions timeout:1 attempts:1\n")
    under = ("unshare", "--mount", "sh", "-euc", WITH_RESOLVER, str(resolver))
    async with name_server("127.53.0.1") as names, raw_service(answer_once) as service:
        url = f"http://billing.example:{service.port}"
        async with Program(url, *PLAIN, under=under) as program:
            before = await answer_of(program.port)
            names.is_gone = True
            gone = await answer_of(program.port)
            names.is_gone = False
            after = await answer_of(program.port)

    assert [b"ok", b"ok"] == [before[-2:], after[-2:]]
    assert gone.startswith(b"HTTP/1.1 502 ")
    assert b"The host name billing.example cannot be resolved." in gone
    assert names.asked >= 3
    assert "Traceback" not in program.stderr


CLIENTS, RESTARTS, CALLS = 8, 3, 40


class Load:
    """Clients that call over HTTP/2 for as long as it goes on; a new connection after each end."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.heard: Counter[str] = Counter()
        self.over = asyncio.Event()

    async def go_on(self) -> None:
        while not self.over.is_set():
            reader, writer = await asyncio.open_connection("127.0.0.1", self._program.port)
            client = Client(reader, writer)
            try:
                client.greet()
                for stream_id in range(1, 2000, 2):
                    if self.over.is_set():
                        break
                    client.say(client.headers(stream_id, call_of(path=b"/%d" % stream_id)))
                    answer = await client.answer(stream_id)
                    status = (answer.get(b":status") or b"none").decode()
                    if status == "200":
                        assert b"/%d" % stream_id == answer.body
                    self.heard[status if answer.reset is None else "reset"] += 1
            except (ConnectionError, asyncio.IncompleteReadError):
                self.heard["closed"] += 1
            finally:
                writer.transport.abort()

    async def succeeds(self, count: int) -> None:
        wanted = self.heard["200"] + count
        await until(lambda: self.heard["200"] >= wanted)


async def echo(call: Http2Call) -> None:
    await call.ended.wait()
    if call.reset is None:
        call.answer(call.get(b":path") or b"")


async def test_a_service_that_restarts_under_load_is_found_again_over_http2() -> None:
    tasks = Tasks()
    async with http2_service(echo) as service:
        port = service.port
    async with Program(f"http://localhost:{port}", *PLAIN) as program:
        load = Load(program)
        clients = [tasks.start(load.go_on(), name="calls") for _ in range(CLIENTS)]
        for _ in range(RESTARTS):
            async with http2_service(echo, port=port) as service:
                await load.succeeds(CALLS)
            failed = load.heard.total() - load.heard["200"]
            await until(lambda: load.heard.total() - load.heard["200"] > failed)  # noqa: B023 -- now
        async with http2_service(echo, port=port):
            await load.succeeds(CALLS)
            load.over.set()
            async with asyncio.timeout(10):
                await asyncio.gather(*clients)

    assert {"200", "502", "reset", "closed"} >= set(load.heard)
    assert "Traceback" not in program.stderr
