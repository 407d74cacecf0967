"""The end of the process: what is in flight may finish, and nothing else is waited for."""

import asyncio
import os
import signal
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import trustme

from tests.support.certificates import write_pair
from tests.support.http2 import Call as Http2Call
from tests.support.http2 import Client, call_of, http2_service
from tests.support.program import Program, clean_environment, is_running, left_of
from tests.support.raw import OK, Call, raw_service
from tests.support.talking import GET, read_answer, read_rest, until

SOON_S = 4.0
"""For an end that nothing holds up, which takes 0.2 s on a machine that has nothing else to do.
Whatever was waited for would take longer: clients that linger have 5 s, requests 9."""
ENOUGH_S = 7.0

Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Prepare = Callable[["Ending"], Awaitable[Wire]]

EVENTS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"9\r\ndata: 1\n\n\r\n"
)


class Ending:
    """A program, and how long it took to end after it was told to."""

    def __init__(self, program: Program, authority: trustme.CA) -> None:
        self.program = program
        self.trust = ssl.create_default_context()
        authority.configure_trust(self.trust)

    async def connect(self, *, tls: bool = False, say: bytes = b"") -> Wire:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1",
            self.program.port,
            ssl=self.trust if tls else None,
            server_hostname="localhost" if tls else None,
        )
        writer.write(say)
        await writer.drain()
        return reader, writer

    async def stop(self, within_s: float, number: signal.Signals = signal.SIGTERM) -> None:
        began = time.monotonic()
        self.program.signal(number)
        assert 128 + number == await self.program.wait()
        took_s = time.monotonic() - began
        assert took_s < within_s, f"it took {took_s:.2f} s; it said:\n{self.program.stderr}"
        assert "Traceback" not in self.program.stderr


@asynccontextmanager
async def running(url: str, *more: str | Path, **environ: str) -> AsyncIterator[Ending]:
    credentials = () if "--credentials" in more else ("--credentials", "none")
    program = Program(url, *credentials, "-l", "127.0.0.1:0", *more, environ=environ)
    async with program:
        yield Ending(program, AUTHORITY)


AUTHORITY = trustme.CA()


async def kept_alive(ending: Ending, *, tls: bool = False) -> Wire:
    reader, writer = await ending.connect(tls=tls, say=GET)
    await read_answer(reader)
    return reader, writer


async def http2_idle(ending: Ending) -> Wire:
    reader, writer = await ending.connect()
    client = Client(reader, writer)
    client.greet()
    await client.next_frame()
    return reader, writer


IDLE: dict[str, Prepare] = {
    "nothing said": Ending.connect,
    "half a head": lambda ending: ending.connect(say=GET[:20]),
    "half a line": lambda ending: ending.connect(say=b"GE"),
    "kept alive": kept_alive,
    "HTTP/2": http2_idle,
    "half a preface": lambda ending: ending.connect(say=b"PRI * HTTP"),
}


async def test_what_has_no_request_in_flight_is_not_waited_for() -> None:
    async with raw_service() as service, running(service.url) as ending:
        wires = [await prepare(ending) for prepare in IDLE.values()]
        await ending.stop(SOON_S)
        for _, writer in wires:
            writer.transport.abort()


async def test_neither_is_an_idle_client_in_tls_nor_half_a_handshake(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, "localhost", authority=AUTHORITY)
    settings = {"AUTHPROXY_TLS_CERT_FILE": str(pair.cert), "AUTHPROXY_TLS_KEY_FILE": str(pair.key)}
    async with raw_service() as service, running(service.url, **settings) as ending:
        wires = [
            await kept_alive(ending, tls=True),
            await ending.connect(tls=True, say=GET[:20]),
            await ending.connect(),
            await ending.connect(say=b"\x16\x03\x01\x02"),
        ]
        await ending.stop(SOON_S)
        for _, writer in wires:
            writer.transport.abort()


async def test_neither_is_a_client_whose_proxy_has_not_said_who_it_is(tmp_path: Path) -> None:
    config = tmp_path / "authproxy.toml"
    async with raw_service() as service:
        config.write_text(
            'trusted_proxies = ["127.0.0.1"]\nlisten = "127.0.0.1:0"\n'
            f'[services.a]\nurl = "{service.url}"\ncredentials = "none"\n'
            '[listeners.behind]\nlisten = "127.0.0.1:0"\nproxy_protocol = true\n'
        )
        async with Program("-c", config) as program:
            ending = Ending(program, AUTHORITY)
            port = int(program.urls[1].rpartition(":")[2])
            wires = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            wires[1][1].write(b"PROXY TCP4")
            await ending.stop(SOON_S)
            for _, writer in wires:
                writer.transport.abort()


async def say_events(call: Call) -> None:
    while await call.read_head():
        await call.say(EVENTS)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_idle_streams_of_events_end_in_good_order_at_once(number: signal.Signals) -> None:
    async with raw_service(say_events) as service, running(service.url) as ending:
        wires = [await ending.connect(say=GET) for _ in range(3)]
        for reader, _ in wires:
            await reader.readuntil(b"data: 1\n\n\r\n")
        await ending.stop(SOON_S, number)
        for reader, writer in wires:
            assert b"0\r\n\r\n" == await read_rest(reader)
            writer.close()


async def test_so_they_do_over_http2() -> None:
    async def events(call: Http2Call) -> None:
        h2 = call.connection.h2
        h2.send_headers(
            call.stream_id, [(b":status", b"200"), (b"content-type", b"text/event-stream")]
        )
        h2.send_data(call.stream_id, b"data: 1\n\n")
        call.connection.flush()

    async with http2_service(events) as service, running(service.url) as ending:
        reader, writer = await ending.connect()
        client = Client(reader, writer)
        client.greet()
        client.say(client.headers(1, call_of()))
        while not (seen := await client.next_frame()).payload.startswith(b"data: 1"):
            pass
        stopping = asyncio.gather(ending.stop(SOON_S))
        answer = await client.answer(1)
        await stopping
        await until(lambda: service.calls[0].reset is not None)
        writer.transport.abort()

    assert 1 == seen.stream_id
    assert (b"", None) == (answer.body, answer.reset)


async def test_what_is_in_flight_may_finish() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(OK[:-1])
        await asyncio.sleep(0.5)  # it is on its way when the signal comes
        await call.say(OK[-1:])

    async with raw_service(talk) as service, running(service.url) as ending:
        reader, writer = await ending.connect(say=GET)
        await reader.readexactly(len(OK) - 1)
        await ending.stop(ENOUGH_S)
        assert b"k" == await read_rest(reader)
        writer.close()


@pytest.mark.parametrize("drain", ["0", "0.3"])
async def test_what_takes_longer_than_it_may_is_cut(drain: str) -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(OK[:-1])
        await call.reader.read(-1)

    async with (
        raw_service(talk) as service,
        running(service.url, AUTHPROXY_TIMEOUTS_DRAIN=drain) as ending,
    ):
        reader, writer = await ending.connect(say=GET)
        await reader.readexactly(len(OK) - 1)
        await ending.stop(SOON_S + float(drain))
        writer.transport.abort()


WITHOUT_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n{}"


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_half_an_answer_does_not_look_like_a_whole_one(version: bytes) -> None:
    """To a client of HTTP/1.0, one without a length ends where its connection does."""

    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(WITHOUT_LENGTH)
        await call.reader.read(-1)

    async with (
        raw_service(talk) as service,
        running(service.url, AUTHPROXY_TIMEOUTS_DRAIN="0.1") as ending,
    ):
        reader, writer = await ending.connect(say=GET.replace(b"1.1", version))
        await reader.readuntil(b"{}")
        await ending.stop(SOON_S)
        with pytest.raises(ConnectionResetError):
            await reader.read(-1)
        writer.close()


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (GET, b"HTTP/1.1 503 Service Unavailable\r\n"),
        (
            GET.replace(b"GET", b"PUT").replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\nab"),
            b"503",
        ),
        (
            GET.replace(b"\r\n\r\n", b"\r\nContent-Type: application/grpc-web\r\n\r\n"),
            b"grpc-status",
        ),
    ],
)
async def test_who_gets_no_answer_is_told_that_authproxy_stops(
    request_: bytes, told: bytes
) -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.reader.read(-1)

    async with (
        raw_service(talk) as service,
        running(service.url, AUTHPROXY_TIMEOUTS_DRAIN="0.1") as ending,
    ):
        reader, writer = await ending.connect(say=request_)
        await until(lambda: bool(service.heads))
        await ending.stop(SOON_S)
        answer = await read_rest(reader)
        writer.close()

    assert told in answer
    assert b"shutting_down" in answer


async def test_a_service_that_does_not_answer_the_connection_is_not_waited_for() -> None:
    """Its backlog is full, so that nobody answers."""
    with silent_service() as url:
        async with running(url) as ending:
            await ending.stop(SOON_S)


@contextmanager
def silent_service() -> Iterator[str]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)
        waiting = []
        for _ in range(3):
            each = socket.socket()
            each.setblocking(False)
            each.connect_ex(sock.getsockname())
            waiting.append(each)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        for each in waiting:
            each.close()


FAMILY = """
import os, subprocess, sys, time
pids = [os.getpid()]
pids.append(subprocess.Popen(["sleep", "600"]).pid)
pids.append(subprocess.Popen(["sleep", "600"], process_group=0).pid)
pids.append(subprocess.Popen(["sleep", "600"], start_new_session=True).pid)
with open(sys.argv[1] + ".new", "w") as file:
    file.write(" ".join(map(str, pids)))
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
"""


@pytest.fixture
def family(tmp_path: Path) -> str:
    script = tmp_path / "token.py"
    script.write_text(FAMILY)
    return f"command:python3 {script} {tmp_path / 'pids'}"


@pytest.mark.parametrize("waits", [False, True], ids=["for nobody", "for a request"])
async def test_a_token_command_that_hangs_is_gone_with_its_children(
    family: str, tmp_path: Path, waits: bool
) -> None:
    pids = tmp_path / "pids"
    async with raw_service() as service, running(service.url, "--credentials", family) as ending:
        await until(pids.exists)
        found = [int(pid) for pid in pids.read_text().split()]
        assert [True] * 4 == [is_running(pid) for pid in found]
        reader, writer = await ending.connect(say=GET if waits else b"")
        if waits:
            await asyncio.sleep(0.1)  # until it has been read; nothing tells
        await ending.stop(ENOUGH_S if waits else SOON_S)
        answer = b"" if not waits else await read_rest(reader)
        writer.close()
        left = left_of(found)
        for pid in left:
            os.kill(pid, signal.SIGKILL)

    assert [] == left
    assert answer[:12] == (b"HTTP/1.1 503" if waits else b"")
    assert [] == service.heads


async def test_a_token_file_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    fifo = tmp_path / "token"
    os.mkfifo(fifo)
    async with (
        raw_service() as service,
        running(service.url, "--credentials", f"token-file:{fifo}") as ending,
    ):
        await ending.stop(SOON_S)


async def test_a_second_signal_cuts() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.reader.read(-1)

    async with raw_service(talk) as service, running(service.url) as ending:
        _, writer = await ending.connect(say=GET)
        await until(lambda: bool(service.heads))
        ending.program.signal(signal.SIGTERM)
        await ending.program.hear("stopping")
        await ending.stop(SOON_S)
        writer.transport.abort()


async def test_a_command_that_is_interrupted_leaves_no_program_behind(
    family: str, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "authproxy", "token", "--credentials", family),
        "https://billing-x-ew.a.run.app",
        env=clean_environment(),
        stdout=asyncio.subprocess.DEVNULL,
    )
    await until(pids.exists)
    found = [int(pid) for pid in pids.read_text().split()]
    process.send_signal(signal.SIGINT)
    code = await process.wait()
    left = left_of(found)
    for pid in left:
        os.kill(pid, signal.SIGKILL)

    assert (130, []) == (code, left)
