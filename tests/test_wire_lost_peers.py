"""What tells that a peer is gone which has said nothing, on both kinds of transports.

More of it: tests/e2e/test_faults_peers.py.
"""

import socket

from authproxy.wire.lost_peers import PROBE_AFTER_S, watch
from tests.support.proxying import proxying
from tests.support.raw import OK, always, raw_service
from tests.support.talking import GET, accepted, read_answer
from tests.support.vanishing import keep_alive_then_vanish, pass_until_lost


def seconds_of(sock: socket.socket) -> tuple[int, int]:
    return (
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
        sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
    )


async def test_whoever_connects_and_whom_we_connect_is_watched() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        await read_answer(reader)
        client = (await accepted(proxy)).transport.get_extra_info("socket")
        upstream = proxy.pool.take()
        assert upstream is not None
        found = [client, upstream.transport.get_extra_info("socket")]
        assert [(1, PROBE_AFTER_S)] * 2 == [seconds_of(sock) for sock in found]
        proxy.pool.put(upstream)
        writer.close()


def test_what_is_no_tcp_is_left_alone() -> None:
    one, other = socket.socketpair()
    with one, other:
        watch(one)
        assert 0 == one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    watch(one)
    watch(None)


async def test_a_request_to_a_service_that_vanished_goes_out_on_a_new_connection() -> None:
    async with raw_service(always(OK)) as service, proxying(service.url) as proxy:
        await keep_alive_then_vanish(proxy, service.calls)
        reader, writer = await proxy.connect()
        writer.write(GET)
        await pass_until_lost(proxy)
        head, body = await read_answer(reader)
        writer.close()

    assert (b"HTTP/1.1 200 OK", b"ok") == (head[:15], body)
    assert 2 == len(service.calls)
