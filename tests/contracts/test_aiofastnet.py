"""What authproxy relies on in aiofastnet beyond its documentation."""

import asyncio
import json
import socket
import subprocess
import sys
from pathlib import Path

import aiofastnet
from aiofastnet import constants

from authproxy.event_loop import choose_transports
from tests.support.talking import tls_connection


def test_a_tls_transport_can_be_told_to_look_at_what_it_has_read() -> None:
    """`wire.transport.resume` does that; without the method large answers over TLS could stall."""

    async def connect() -> bool:
        async with tls_connection() as transport:
            return callable(getattr(transport, "_retry_ssl_read", None))

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


HANDSHAKES = """
import asyncio, json, sys
import aiofastnet
from authproxy.event_loop import choose_transports
from tests.support.talking import tls_contexts

made = []
sys.addaudithook(lambda event, _: made.append(event) if event == "tempfile.mkstemp" else None)

async def handshake():
    server_side, client_side = tls_contexts()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=server_side)
    port = server.sockets[0].getsockname()[1]
    before = len(made)
    transport, _ = await loop.create_connection(
        asyncio.Protocol, "127.0.0.1", port, ssl=client_side, server_hostname="localhost"
    )
    counts = [len(made) - before]
    transport.get_extra_info("peercert")["subjectAltName"]
    counts.append(len(made) - before)
    transport.abort()
    server.close()
    return counts

found = []
for loops in (aiofastnet.loop_factory, choose_transports):
    with asyncio.Runner(loop_factory=loops()) as runner:
        found.append(runner.run(handshake()))
print(json.dumps(found))
"""
"""Temporary files made by its loops and by ours: during a handshake, and after a look at the
certificate."""


def test_its_handshakes_write_the_peers_certificate_to_a_file() -> None:
    """`authproxy.event_loop` puts that off; when this fails it need not any more."""
    done = subprocess.run(
        [sys.executable, "-c", HANDSHAKES],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
        timeout=120,
    )

    theirs, ours = json.loads(done.stdout)

    assert [1, 1] == theirs
    assert [0, 1] == ours
