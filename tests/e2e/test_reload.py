"""Reloads under load: nobody is lost, and each answer says which rules let its request in.

The service answers with a header that only the rules have put there. An answer is right if its
rules were in use at some moment between request and answer.
"""

import asyncio
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import aio

from authproxy.tasks import Tasks
from authproxy.wire.http2.framing.frames import (
    DATA,
    END_STREAM,
    GOAWAY,
    HEADERS,
    RST_STREAM,
    Failure,
)
from tests.support.http2 import Call as Http2Call
from tests.support.http2 import Client, call_of, http2_service
from tests.support.raw import Call, raw_service
from tests.support.running import Running, running
from tests.support.talking import until

EVENTS = 10
METHOD = "/demo.S/Stream"
INVALID = ('deny = ["x"]\n', 'tls_cert_file = "none"\n', "[[\n")
OPTIONAL = ("", "first_byte_timeout = {}\n", 'allow = ["127.0.0.1"]\n', 'hosts = ["h{}.example"]\n')
MORE = (
    "",
    '[listeners.l]\nlisten = "127.0.0.1:0"\n',
    '[services.b]\nurl = "http://127.0.0.1:9"\ncredentials = "none"\npath = "/b"\n',
)


async def service_of_rules(call: Call) -> None:
    while head := await call.read_head():
        rules = find(rb"\r\nRules: (\w+)", head)
        if b"\r\nContent-Length: " in head:
            await call.reader.readexactly(int(find(rb"\r\nContent-Length: (\d+)", head)))
        if head.startswith(b"GET /events"):
            await call.say(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
            )
            for _ in range(EVENTS):
                await call.say(b"data: %b\n\n" % rules)
                await asyncio.sleep(0.02)
            return
        if b"\r\nUpgrade:" in head:
            await call.say(b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
            while data := await call.reader.read(1000):
                await call.say(data)
            return
        await call.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(rules), rules))


def find(pattern: bytes, text: bytes) -> bytes:
    found = re.search(pattern, text)
    assert found is not None, text
    return found[1]


async def stream_rules(_request: bytes, context: Any) -> AsyncIterator[bytes]:
    rules = dict(context.invocation_metadata())["rules"]
    for _ in range(EVENTS):
        yield rules.encode()
        await asyncio.sleep(0.02)


@asynccontextmanager
async def grpc_service() -> AsyncIterator[str]:
    server = aio.server()
    _, service, method = METHOD.split("/")
    handler = grpc.unary_stream_rpc_method_handler(stream_rules)
    of_service = grpc.method_handlers_generic_handler(service, {method: handler})
    server.add_generic_rpc_handlers((of_service,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f'[services.grpc]\nurl = "http://127.0.0.1:{port}"\npath = "/{service}"\n'
    finally:
        await server.stop(None)


def config(
    url: str, number: int, rng: random.Random, *, valid: bool = True, others: Sequence[str] = ()
) -> str:
    """`others`: the beginnings of further services' tables."""
    optional, more = rng.choice(OPTIONAL).format(number + 9), rng.choice(MORE)
    top = 'listen = ["127.0.0.1:0"]\n' + ("" if valid else rng.choice(INVALID))
    service = f'[services.a]\nurl = "{url}"\ncredentials = "none"\npath = "/"\n'
    rules = f'add_headers = ["Rules: g{number}"]\n'
    tables = "".join(f'{other}credentials = "none"\n{rules}' for other in others)
    return f"{top}{service}{rules}{optional}{more}{tables}"


class Load:
    """Clients of all kinds, and what they have seen."""

    def __init__(self, proxy: Running) -> None:
        self._port = proxy.port
        self.oldest = self.newest = 0
        """Numbers of configurations: of the one in use, and of the last that may be."""
        self.is_over = False
        self.seen = 0
        self.rounds = Counter[str]()
        """What each kind of client has done to its end."""

    def check(self, rules: bytes, since: int) -> None:
        assert since <= int(rules[1:]) <= self.newest
        self.seen += 1

    async def ask(self) -> None:
        """Requests one after the other on one connection, some with bodies."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        for body in (b"", b"x" * 10, b"x" * 100_000) * 10:
            since = self.oldest
            writer.write(
                b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b"
                % (len(body), body)
            )  # fmt: skip -- the format and its values
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(find(rb"Content-Length: (\d+)", head))
            self.check(await reader.readexactly(length), since)
            await asyncio.sleep(0)
        writer.close()

    async def listen(self) -> None:
        """A stream of events, whole and by one configuration."""
        since = self.oldest
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        events = re.findall(rb"data: (g\d+)", await reader.read())
        assert [events[0]] * EVENTS == events
        self.check(events[0], since)
        writer.close()

    async def talk(self) -> None:
        """A tunnel, back and forth."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")
        for number in range(30):
            writer.write(b"%06d" % number)
            assert b"%06d" % number == await reader.readexactly(6)
            await asyncio.sleep(0.01)
        self.seen += 1
        writer.close()

    async def call(self) -> None:
        """Calls of HTTP/2, several at once; those that never began are called again elsewhere, as
        GOAWAY and REFUSED_STREAM say (RFC 9113 6.8, 8.7)."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        client = Client(reader, writer)
        client.greet()
        for first in range(1, 60, 12):
            since, ids = self.oldest, range(first, first + 12, 2)
            for stream_id in ids:
                client.say(client.headers(stream_id, call_of(path=b"/h")))
            if not await self._hear(client, set(ids), since):
                break
            await asyncio.sleep(0)
        writer.close()

    async def _hear(self, client: Client, waiting: set[int], since: int) -> bool:
        """The answers of these calls; False when the next ones belong on another connection."""
        goes_on = True
        while waiting:
            found = await client.next_frame()
            if found.kind == DATA and found.payload:
                self.check(found.payload, since)
            elif found.kind == GOAWAY:
                goes_on = False
                last = int.from_bytes(found.payload[:4])
                waiting = {each for each in waiting if each <= last}
            elif found.kind == RST_STREAM:
                assert Failure.REFUSED_STREAM == int.from_bytes(found.payload)
                waiting.discard(found.stream_id)
            if found.kind in (HEADERS, DATA) and found.flags & END_STREAM:
                waiting.discard(found.stream_id)
        return goes_on

    async def stream(self) -> None:
        """A call of gRPC that streams, by a real client, whole and by one configuration."""
        async with aio.insecure_channel(f"127.0.0.1:{self._port}") as channel:
            method = channel.unary_stream(METHOD)
            for _ in range(3):
                since = self.oldest
                said = [each async for each in method(b"", wait_for_ready=True)]
                assert [said[0]] * EVENTS == said
                self.check(said[0], since)

    async def go_on(self, kind: str) -> None:
        while not self.is_over:
            async with asyncio.timeout(20):
                await getattr(self, kind)()
            self.rounds[kind] += 1


@pytest.mark.parametrize(
    ("reloads", "requests"), [(20, 300), pytest.param(100, 10_000, marks=pytest.mark.outside)]
)
async def test_nobody_is_lost_and_nobody_passes_by_other_rules(
    reloads: int, requests: int, tmp_path: Path
) -> None:
    rng = random.Random(reloads)
    async with (
        raw_service(service_of_rules) as service,
        http2_service(tell_rules) as http2,
        grpc_service() as grpc_table,
        running(tmp_path, config(service.url, 0, rng, others=(grpc_table,))) as proxy,
    ):
        others = grpc_table, f'[services.h]\nurl = "{http2.url}"\npath = "/h"\n'
        await proxy.reload(config(service.url, 0, rng, others=others))
        load, tasks = Load(proxy), Tasks()
        kinds = ["ask"] * 8 + ["listen"] * 4 + ["talk"] * 4 + ["call"] * 4 + ["stream"] * 4
        clients = [tasks.start(load.go_on(kind), name=kind) for kind in kinds]
        refused = 0
        for number in range(1, reloads + 1):
            is_valid = rng.random() < 0.7
            load.newest = number if is_valid else load.newest
            found = await proxy.reload(
                config(service.url, number, rng, valid=is_valid, others=others)
            )
            assert is_valid == (not found.problems), found.problems
            load.oldest = number if is_valid else load.oldest
            refused += not is_valid
            await asyncio.sleep(0.01)
        await until(lambda: load.seen >= requests or any(each.done() for each in clients))
        load.is_over = True
        await asyncio.gather(*clients)

    assert 0 < refused < reloads
    assert set(kinds) == set(load.rounds)


async def tell_rules(call: Http2Call) -> None:
    call.answer(call.get(b"rules") or b"none")


@asynccontextmanager
async def client_of(proxy: Running) -> AsyncIterator[Client]:
    reader, writer = await proxy.connect()
    client = Client(reader, writer)
    client.greet()
    yield client
    writer.close()


async def test_a_connection_of_http2_goes_on_or_is_told_to_go_elsewhere(tmp_path: Path) -> None:
    def at(rules: str, more: str = "") -> str:
        return (
            f'listen = ["127.0.0.1:0"]\n[services.a]\nurl = "{service.url}"\npath = "/"\n'
            f'credentials = "none"\nadd_headers = ["Rules: {rules}"]\n{more}'
        )

    async with http2_service(tell_rules) as service, running(tmp_path, at("one")) as proxy:
        async with client_of(proxy) as client:
            client.call(1)
            first = await client.answer(1)
            await proxy.reload(at("two"))
            client.call(3)
            second = await client.answer(3)
            await proxy.reload(at("three", "first_byte_timeout = 7\n"))
            client.say(client.headers(5, call_of()))
            kinds = set[int]()
            while not kinds & {GOAWAY, RST_STREAM}:
                kinds.add((await client.next_frame()).kind)
        async with client_of(proxy) as client:
            client.call(1)
            third = await client.answer(1)

    assert [b"one", b"two", b"three"] == [each.body for each in (first, second, third)]
