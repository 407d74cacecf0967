"""All that clients speak, to two workers, one of which is killed: the other and the next one go on.

Each test has some connections at both workers. It loses those of the one that dies, and no others.
"""

import asyncio
import os
import signal
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import pytest
import trustme
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from authproxy.demo.world import World
from tests.support.crews import TAKES, Clients, Wire, lives, pids
from tests.support.http2 import Client
from tests.support.program import Program, clean_environment
from tests.support.proxy_header import v1
from tests.support.raw import raw_service
from tests.support.talking import GET, read_answer, until

COUNT = 10
LOST = (ConnectionError, asyncio.IncompleteReadError, ConnectionClosed, grpc.RpcError)
Asks = Callable[[], Awaitable[None]]


def in_front_of(world: World, *more: str) -> Program:
    return Program(
        world.url,
        *("--ca-file", world.ca_file, "--credentials", "metadata", "-l", "127.0.0.1:0"),
        *("--workers", "2", *more),
        environ=world.environment,
    )


async def works(ask: Asks) -> bool:
    try:
        async with asyncio.timeout(10):
            await ask()
    except LOST:
        return False
    return True


async def kill_one(program: Program) -> None:
    await until(lambda: len(pids(program)) >= 2)
    count = len(pids(program))
    os.kill(pids(program)[0], signal.SIGKILL)
    await until(lambda: len(pids(program)) == count + 1)


async def check(program: Program, asks: Sequence[Asks]) -> None:
    """Each of them has a connection of its own, and asks once more by it."""
    assert all([await works(ask) for ask in asks])
    await kill_one(program)
    left = sum([await works(ask) for ask in asks])

    assert 0 < left < len(asks)


async def test_http2_streams(world: World) -> None:
    async with in_front_of(world) as program, Clients() as clients:
        await until(lambda: len(pids(program)) == 2)

        async def client() -> Asks:
            http2 = Client(*await clients.connect(program))
            http2.greet()
            streams = iter(range(1, 99, 2))

            async def ask() -> None:
                one, other = next(streams), next(streams)
                http2.call(one, path=b"/status/200")
                assert b"200" == (await http2.answer(one)).get(b":status")
                http2.call(other, path=b"/status/418")
                assert b"418" == (await http2.answer(other)).get(b":status")

            return ask

        await check(program, [await client() for _ in range(COUNT)])
        assert all([await works(await client()) for _ in range(COUNT)])


async def test_grpc_calls(world: World) -> None:
    async with in_front_of(world) as program, AsyncExitStack() as stack:
        await until(lambda: len(pids(program)) == 2)
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]

        async def client() -> Asks:
            address = f"127.0.0.1:{program.port}"
            channel = aio.insecure_channel(address, options=options)
            await stack.enter_async_context(channel)
            stub = health_pb2_grpc.HealthStub(channel)

            async def ask() -> None:
                answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=10)
                assert health_pb2.HealthCheckResponse.SERVING == answer.status

            return ask

        asks = [await client() for _ in range(COUNT)]
        assert all([await works(ask) for ask in asks])
        await kill_one(program)
        for ask in asks:
            await works(ask)  # who has lost its connection may hear so
        assert all([await works(ask) for ask in asks])  # and connects anew


async def test_websockets(world: World) -> None:
    async with in_front_of(world) as program, AsyncExitStack() as stack:
        await until(lambda: len(pids(program)) == 2)

        async def client() -> Asks:
            url = f"ws://localhost:{program.port}/ws"
            wire = await stack.enter_async_context(connect(url, family=socket.AF_INET))

            async def ask() -> None:
                await wire.send("hello")
                assert "hello" == await wire.recv()

            return ask

        await check(program, [await client() for _ in range(COUNT)])
        assert all([await works(await client()) for _ in range(COUNT)])


def asking(wire: Wire) -> Asks:
    async def ask() -> None:
        if not await lives(wire):
            raise ConnectionResetError

    return ask


async def test_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    file = tmp_path / "authproxy.toml"
    async with raw_service() as service, Clients() as clients:
        file.write_text(
            'listen = "127.0.0.1:0"\nworkers = 2\ntls_cert_file = "cert.pem"\n'
            f'tls_key_file = "key.pem"\n[services.a]\nurl = "{service.url}"\ncredentials = "none"\n'
        )
        async with Program("-c", file) as program:
            await until(lambda: len(pids(program)) == 2)

            async def client() -> Asks:
                wire = await asyncio.open_connection(
                    "127.0.0.1", program.port, ssl=trusting, server_hostname="localhost"
                )
                clients.wires.append(wire)
                return asking(wire)

            await check(program, [await client() for _ in range(COUNT)])
            assert all([await works(await client()) for _ in range(COUNT)])


async def test_the_proxy_protocol(tmp_path: Path) -> None:
    file = tmp_path / "authproxy.toml"
    async with raw_service() as service, Clients() as clients:
        file.write_text(
            'trusted_proxies = ["127.0.0.1"]\nallow = ["192.0.2.0/24"]\nworkers = 2\n'
            '[listeners.tcp]\nlisten = "127.0.0.1:0"\nproxy_protocol = true\n'
            f'[services.a]\nurl = "{service.url}"\ncredentials = "none"\n'
            "[limits]\nconnections_per_client = 1\n"
        )
        async with Program("-c", file) as program:
            await until(lambda: len(pids(program)) == 2)

            async def client(number: int) -> Asks:
                return asking(await clients.connect(program, v1(f"192.0.2.{number}")))

            await check(program, [await client(number) for number in range(COUNT)])
            assert all([await works(await client(99 + number)) for number in range(COUNT)])
            again = [await clients.connect(program, v1("192.0.2.200") + GET) for _ in range(3)]
            heads = [(await read_answer(reader))[0][9:12] for reader, _ in again]

    assert [b"200", b"503", b"503"] == sorted(heads)
    assert {f"192.0.2.{number}".encode() for number in range(COUNT)} <= {
        line.removeprefix(b"X-Forwarded-For: ")
        for head in service.heads
        for line in head.split(b"\r\n")
    }


@pytest.mark.parametrize("family", ["tcp", "unix"])
async def test_sockets_of_systemd(tmp_path: Path, family: str) -> None:
    code = (
        "import os, sys\nos.dup2(int(sys.argv[1]), 3)\n"
        "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'authproxy', *sys.argv[2:]])"
    )
    path = str(tmp_path / "socket")
    kind = socket.AF_INET if family == "tcp" else socket.AF_UNIX
    with socket.socket(kind) as listening:
        listening.bind(("127.0.0.1", 0) if family == "tcp" else path)
        listening.listen(100)
        async with raw_service() as service:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", code, str(listening.fileno()), service.url),
                *("--credentials", "none", "-l", "systemd", "--workers", "2"),
                env=clean_environment({"AUTHPROXY_LOG_FORMAT": "text"}),
                pass_fds=(listening.fileno(),),
                stderr=asyncio.subprocess.PIPE,
            )
            assert process.stderr is not None
            log = process.stderr

            async def started() -> int:
                """The next worker that takes connections."""
                async with asyncio.timeout(30):
                    while not (found := TAKES.search((await log.readline()).decode())):
                        pass
                return int(found[1])

            async def ask() -> bool:
                wire = await (
                    asyncio.open_unix_connection(path)
                    if family == "unix"
                    else asyncio.open_connection(*listening.getsockname())
                )
                found = await lives(wire)
                wire[1].close()
                return found

            workers = [await started(), await started()]
            before = [await ask() for _ in range(4)]
            for each in workers:
                os.kill(each, signal.SIGKILL)
            after = [await ask() for _ in range(4)]  # they wait in the queue
            process.send_signal(signal.SIGTERM)
            await process.communicate()

    assert [True] * 4 == before == after
    assert 143 == process.returncode
