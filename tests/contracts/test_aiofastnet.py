"""What authproxy relies on in aiofastnet beyond its documentation."""

import asyncio
import socket

import aiofastnet
from aiofastnet import constants

from authproxy.event_loop import choose_transports
from tests.support.talking import tls_contexts


def test_a_tls_transport_can_be_told_to_look_at_what_it_has_read() -> None:
    """`wire.transport.resume` does that; without the method large answers over TLS could stall."""

    async def connect() -> bool:
        server_side, client_side = tls_contexts()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=server_side)
        port = server.sockets[0].getsockname()[1]
        transport, _ = await loop.create_connection(
            asyncio.Protocol, "127.0.0.1", port, ssl=client_side, server_hostname="localhost"
        )
        try:
            return callable(getattr(transport, "_retry_ssl_read", None))
        finally:
            transport.abort()
            server.close()

    with asyncio.Runner(loop_factory=aiofastnet.loop_factory()) as runner:
        assert runner.run(connect())


def test_its_loops_do_not_take_accepted_sockets_by_themselves() -> None:
    """`authproxy.event_loop` has them do it; when this fails it need not any more."""

    async def is_replaced() -> bool:
        return "connect_accepted_socket" in vars(asyncio.get_running_loop())

    with asyncio.Runner(loop_factory=aiofastnet.loop_factory()) as runner:
        assert not runner.run(is_replaced())
    with asyncio.Runner(loop_factory=choose_transports()) as runner:
        assert runner.run(is_replaced())


def test_its_loops_go_on_reading_from_what_a_protocol_closed_at_once() -> None:
    """`authproxy.event_loop` stops that; when this fails it need not any more."""

    async def is_still_read() -> bool:
        lost = asyncio.Event()
        numbers = []

        class Closing(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                numbers.append(transport.get_extra_info("socket").fileno())
                transport.close()

            def connection_lost(self, error: Exception | None) -> None:
                lost.set()

        loop = asyncio.get_running_loop()
        server = await loop.create_server(Closing, "127.0.0.1", 0)
        with socket.create_connection(server.sockets[0].getsockname()):
            await lost.wait()
            await asyncio.sleep(0)
        server.close()
        return loop.remove_reader(numbers[0])

    with asyncio.Runner(loop_factory=aiofastnet.loop_factory()) as runner:
        assert runner.run(is_still_read())
    with asyncio.Runner(loop_factory=choose_transports()) as runner:
        assert not runner.run(is_still_read())


def test_it_has_the_sizes_that_we_lower() -> None:
    """`authproxy.event_loop` does; where they have other names its own, large ones would
    stay."""
    assert {
        "ssl_incoming_bio_size",
        "ssl_outgoing_bio_size",
    } == constants.SSL_BIO_SIZE_DEFAULTS.keys()
    assert constants.DATA_RECEIVED_MAX_SIZE > 0
