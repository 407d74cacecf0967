"""What is said when a connection cannot be made."""

import asyncio
import errno
import logging
import socket
import ssl
from typing import cast

import pytest

from authproxy.errors import Code, StartError, UpstreamError
from authproxy.event_loop import choose_transports
from authproxy.wire.upstream.connect_errors import Peer, note_loop_error, reaching, translate
from tests.support.talking import tls_contexts

PEER = Peer(
    kind="proxy", name="The egress proxy http://p:1", host="p", hint="HTTPS_PROXY names it."
)


def failed_with(reason: str) -> ssl.SSLError:
    error = ssl.SSLError()
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        (
            TimeoutError(),
            "The egress proxy http://p:1 did not accept a connection within 3 seconds.",
            Code.UPSTREAM_TIMEOUT,
        ),
        (socket.gaierror(), "The host name p cannot be resolved.", Code.CONNECT_FAILED),
        (
            ConnectionResetError(),
            "The egress proxy http://p:1 closed the connection while it was being opened.",
            Code.CONNECT_FAILED,
        ),
        (
            OSError(errno.EMFILE, "Too many open files"),
            "authproxy may open no more files, so the egress proxy http://p:1 cannot be reached.",
            Code.CONNECT_FAILED,
        ),
        (OSError(), "The egress proxy http://p:1 cannot be reached.", Code.CONNECT_FAILED),
        (
            ssl.SSLError(),
            "The TLS handshake with the egress proxy http://p:1 failed.",
            Code.CONNECT_FAILED,
        ),
        (
            failed_with("WRONG_VERSION_NUMBER"),
            "The egress proxy http://p:1 does not speak TLS at this port.",
            Code.CONNECT_FAILED,
        ),
        (
            failed_with("TLSV1_ALERT_NO_APPLICATION_PROTOCOL"),
            "The egress proxy http://p:1 does not speak HTTP/1.1.",
            Code.NO_HTTP1,
        ),
        (
            StartError("x"),
            "The settings for TLS to the egress proxy http://p:1 can no longer be used.",
            Code.CONNECT_FAILED,
        ),
    ],
)
def test_each_failure_names_who_was_sought(error: Exception, message: str, code: Code) -> None:
    made = translate(error, PEER, 3.0)

    assert message == str(made)
    assert code == made.code
    assert not made.sent
    assert made.hint.endswith(" HTTPS_PROXY names it.")


def test_a_failure_without_text_is_not_without_detail() -> None:
    assert "OSError()" == translate(OSError(), PEER, 3.0).detail


async def test_what_is_ours_already_passes_as_it_is() -> None:
    ours = UpstreamError("refused", code=Code.CONNECT_FAILED, sent=False)
    with pytest.raises(UpstreamError) as caught:
        async with reaching(PEER, deadline=asyncio.get_running_loop().time() + 9, timeout_s=9):
            raise ours

    assert ours is caught.value


async def test_what_is_not_done_in_time_is_a_timeout() -> None:
    with pytest.raises(UpstreamError, match=r"within 0\.01 seconds"):
        async with reaching(
            PEER, deadline=asyncio.get_running_loop().time() + 0.01, timeout_s=0.01
        ):
            await asyncio.Event().wait()


async def test_a_client_that_leaves_in_its_handshake_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    loop = asyncio.get_running_loop()
    note_loop_error(loop, {"message": "SSL handshake failed", "exception": ConnectionResetError})
    note_loop_error(loop, {"message": "a defect", "exception": RuntimeError("x")})

    assert ["SSL handshake failed: ConnectionResetError", "a defect"] == caplog.messages
    assert ["DEBUG", "ERROR"] == [record.levelname for record in caplog.records]


def test_what_comes_after_a_connection_in_tls_was_cut_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A service that goes on and on, and is cut off for it, must not fill the log."""
    caplog.set_level(logging.DEBUG)

    async def cut(size: int) -> None:
        server_side, client_side = tls_contexts()
        lost = asyncio.Event()

        class Talker(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                cast(asyncio.Transport, transport).write(bytes(size))

        class Cutter(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self.transport = cast(asyncio.Transport, transport)

            def data_received(self, data: bytes) -> None:
                self.transport.abort()

            def connection_lost(self, error: Exception | None) -> None:
                lost.set()

        loop = asyncio.get_running_loop()
        loop.set_exception_handler(note_loop_error)
        server = await loop.create_server(Talker, "127.0.0.1", 0, ssl=server_side)
        port = server.sockets[0].getsockname()[1]
        await loop.create_connection(
            Cutter, "127.0.0.1", port, ssl=client_side, server_hostname="localhost"
        )
        await lost.wait()
        server.close()

    with asyncio.Runner(loop_factory=choose_transports()) as runner:
        runner.run(cut(1 << 22))

    assert [] == [each.message for each in caplog.records if each.levelno >= logging.ERROR]
