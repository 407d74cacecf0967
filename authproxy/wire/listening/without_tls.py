"""A client and a listener of which one speaks TLS and the other does not.

Plain HTTP at a listener with TLS gets an answer that says so, in plain HTTP; so does HTTP/2. The
connection is served without TLS, by a caller that may do nothing. To TLS at a plain listener no
words can be said, only that it will not work.
"""

import asyncio
import socket

from authproxy.policy.access.networks import Address
from authproxy.wire import refusals
from authproxy.wire.admission.caller import Caller
from authproxy.wire.admission.general_checks import GeneralChecks
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.listening.acceptor import show_address, show_name
from authproxy.wire.loops import Loops, accepted_link
from authproxy.wire.rare_warnings import Seldom


class WrongPorts:
    """Warnings about clients at the wrong port, of each kind once in a while."""

    def __init__(self) -> None:
        self._without, self._with = Seldom(), Seldom()

    def note_without_tls(self, sock: socket.socket) -> None:
        self._without.warn(
            f"a client used plain HTTP at {show_name(sock)}, which is a TLS listener: use"
            " https://, or remove tls_cert_file from the listener"
        )

    def note_tls(self, client: Address | None, transport: asyncio.Transport) -> None:
        where = show_address(transport.get_extra_info("sockname"))
        self._with.warn(
            f"a client at {client or 'a Unix socket'} used TLS at {where}, which is"
            " a plain HTTP listener: use http://, or give the listener a certificate"
            " (tls_cert_file)"
        )

    def __repr__(self) -> str:
        return f"<WrongPorts [{self._without}, {self._with}]>"


def meet(
    transport: asyncio.Transport,
    *,
    rules: ListenerRules,
    loops: Loops,
    client: Address | None = None,
    lacks_tls: bool = False,
    is_proxy: bool = False,
) -> Caller:
    """Whose connection this is; with `lacks_tls` nothing that comes by it may pass.

    `is_proxy`: it began with a PROXY header that names nobody but the proxy itself.
    """
    caller = Caller(transport, rules, client)
    link = accepted_link(transport)
    caller.general_checks = GeneralChecks(rules, loops=loops, link=link, is_proxy=is_proxy)
    if lacks_tls:
        caller.refusal = refusals.tls_required()
    return caller


async def lacks_tls(sock: socket.socket, deadline_s: float) -> bool:
    """Whether a client's first byte is one of a request. Raises TimeoutError if none comes."""
    async with asyncio.timeout(deadline_s):
        while True:
            await readable(sock)
            try:
                # A record of TLS begins with its type, 22; it stays where it is.
                return sock.recv(1, socket.MSG_PEEK).isalpha()
            except (BlockingIOError, InterruptedError):
                continue


async def readable(sock: socket.socket) -> None:
    """Wait until a read has something to do."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(sock, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_reader(sock)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
