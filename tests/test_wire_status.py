import asyncio
from dataclasses import replace

from authproxy.values import Listen, parse_network
from authproxy.wire.listening.sockets import open_listener
from authproxy.wire.status import PoolStatus, ServerStatus
from tests.support.http2 import Call as H2Call
from tests.support.http2 import http2_client, http2_service
from tests.support.http2 import ok as answers
from tests.support.proxy_header import v1
from tests.support.proxying import proxying
from tests.support.raw import Call, raw_service
from tests.support.talking import GET, get, read_answer, tls_contexts, until

NO_POOL = PoolStatus(
    origin="", connecting=0, open=0, idle=0, waiting=0, limit=1, opened=0, failed=0, waits=0
)
NONE = ServerStatus(
    http1=0,
    http2=0,
    tunnels=0,
    arriving=0,
    accepted=0,
    handshakes=0,
    handshakes_failed=0,
    most=None,
    exchanges=0,
    streams=0,
    begun=0,
    draining=False,
    pools=(),
)
UPGRADE = get("/", "Connection: Upgrade", "Upgrade: x")
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_sums_are_of_the_same_moment() -> None:
    assert 3 == replace(NO_POOL, open=5, idle=2).busy
    assert 6 == replace(NONE, http1=1, http2=2, tunnels=3, arriving=4).connections


async def test_each_step_of_a_request_shows_in_the_figures() -> None:
    go = asyncio.Event()

    async def talk(call: Call) -> None:
        await call.read_head()
        await go.wait()
        await call.say(OK)
        await call.read_head()
        await call.say(SWITCH)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        status = proxy.server.status
        pool = replace(NO_POOL, origin=service.url, limit=proxy.pool.limits.connections_per_service)
        assert replace(NONE, pools=(pool,)) == status()

        reader, writer = await proxy.connect()
        one = replace(NONE, accepted=1)
        await until(lambda: status() == replace(one, http1=1, pools=(pool,)))

        writer.write(GET)
        asked = replace(one, http1=1, exchanges=1, begun=1)
        opened = replace(pool, open=1, opened=1, waits=1)
        await until(lambda: status() == replace(asked, pools=(opened,)))

        go.set()
        await read_answer(reader)
        pool = replace(opened, idle=1)
        await until(lambda: status() == replace(one, http1=1, begun=1, pools=(pool,)))

        writer.write(UPGRADE)
        await read_answer(reader)
        pool = replace(pool, idle=0, open=0)  # a tunnel's connection has left the pool
        await until(
            lambda: status() == replace(one, tunnels=1, exchanges=1, begun=2, pools=(pool,))
        )
        proxy.server.drain()
        assert status().draining
        writer.close()
        await until(lambda: not status().connections)
        assert replace(one, begun=2, draining=True, pools=(pool,)) == status()


async def test_calls_over_http2_count_by_connection_and_by_call() -> None:
    go = asyncio.Event()

    async def wait(call: H2Call) -> None:
        await go.wait()
        await answers(call)

    async with (
        http2_service(wait) as service,
        proxying(service.url, trust=service.trust) as proxy,
        http2_client(proxy) as client,
    ):
        for stream in (1, 3):
            client.call(stream)
        await until(lambda: proxy.server.status().exchanges == 2)
        figures = proxy.server.status()
        assert (0, 1, 2, 2) == (figures.http1, figures.http2, figures.begun, figures.streams)
        (pool,) = figures.pools
        assert (0, 0) == (pool.open, pool.connecting)
        await until(lambda: bool(service.calls))
        (pool,) = proxy.server.status().pools
        assert (1, 0) == (pool.http2_opened, pool.http2_failed)
        go.set()
        for stream in (1, 3):
            await client.answer(stream)
        await until(lambda: proxy.server.status().exchanges == 0)


async def test_who_waits_and_what_failed_shows() -> None:
    async with raw_service() as service:
        gone = service.url
    async with proxying(gone) as proxy, http2_client(proxy) as client:
        client.call(1)
        assert b"502" == (await client.answer(1)).get(b":status")
        assert (0, 1) == (
            proxy.server.status().pools[0].http2_opened,
            proxy.server.status().pools[0].http2_failed,
        )
        reader, writer = await proxy.connect()
        writer.write(GET)
        assert (await read_answer(reader))[0].startswith(b"HTTP/1.1 502")
        writer.close()
        figures = proxy.server.status().pools[0]
        assert (0, True) == (figures.opened, figures.failed > 0)


async def test_handshakes_are_counted_by_how_they_ended_behind_a_balancer_too() -> None:
    certificate, trust = tls_contexts()
    trusted = [parse_network("127.0.0.1")]
    async with raw_service() as service, proxying(service.url, trusted=trusted) as proxy:
        figures = proxy.server.status
        server = proxy.server
        for listen, header in ((server.listen, b""), (server.listen_behind, v1("127.0.0.2"))):
            (sock,) = open_listener(Listen("127.0.0.1", 0))
            port = sock.getsockname()[1]
            listen(sock, proxy.listener, lambda: certificate)

            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(header + b"\x16\x03\x01\x00\x04\xff\x00\x00\x00")
            await until(lambda: figures().handshakes_failed > figures().handshakes)
            writer.close()

            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(header)
            await writer.drain()
            await writer.start_tls(trust, server_hostname="localhost")
            writer.write(get("/", "Host: nowhere.example"))
            await read_answer(reader)
            writer.close()

        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(get("/", "Host: nowhere.example"))
        await read_answer(reader)  # without TLS there is no handshake
        writer.close()
        seen = figures()

    assert (5, 2, 2) == (seen.accepted, seen.handshakes, seen.handshakes_failed)
