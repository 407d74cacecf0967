"""The event loop that everything runs on: with aiofastnet's transports where that is possible."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from tempfile import gettempdir
from typing import Any, TypeVar

from authproxy.resolver import Resolver

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

RECORD = 16 * 1024
"""What TLS puts into one record at most (RFC 8446 5.1)."""
SEALED = RECORD + 64
"""The same with all that encryption adds to it."""
READ_RECORDS, WRITE_RECORDS = 4, 2
"""How many records each connection has room for, in either direction. It keeps that room."""

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def choose_transports(
    find_temporary_folder: Callable[[], str] = gettempdir,
) -> LoopFactory | None:
    """aiofastnet's transports where they can be used, else None: the standard ones, slower.

    aiofastnet 1.2 writes the service's certificate to a temporary file to look at it; without a
    folder for that no TLS handshake would end.
    """
    try:
        import aiofastnet

        find_temporary_folder()
    except ImportError:
        return None
    except FileNotFoundError:
        logger.warning(
            "no folder for temporary files can be written, so slower transports are used;"
            " set TMPDIR to one, such as /dev/shm"
        )
        return None
    _read_less_at_a_time()
    make = aiofastnet.loop_factory()
    return lambda: _mend(make())


def with_resolver(
    make: LoopFactory | None, resolver: Callable[[], Resolver] = Resolver
) -> LoopFactory:
    """The loops that `make` makes, the standard ones by default, with names looked up our way."""

    def made() -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop() if make is None else make()
        loop.getaddrinfo = resolver().getaddrinfo  # type: ignore[method-assign, assignment]  # -- to replace it
        return loop

    return made


def run_to_end(work: Coroutine[Any, Any, Result]) -> Result:
    """As `asyncio.run`, but lookups of names that hang are not waited for at the end."""
    with asyncio.Runner(loop_factory=with_resolver(None)) as runner:
        return runner.run(work)


def _read_less_at_a_time() -> None:
    """Each TLS connection of aiofastnet 1.2 has two buffers of 257 KiB for as long as it is open.

    Why these sizes: docs/decisions/0025-memory-comes-back.md. Without such settings its own stay.
    """
    with contextlib.suppress(ImportError, AttributeError):
        from aiofastnet import constants

        constants.SSL_BIO_SIZE_DEFAULTS.update(
            ssl_incoming_bio_size=READ_RECORDS * SEALED,
            ssl_outgoing_bio_size=WRITE_RECORDS * SEALED,
        )
        constants.DATA_RECEIVED_MAX_SIZE = READ_RECORDS * RECORD


def _mend(loop: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop:
    """What aiofastnet 1.2 leaves undone; tests/contracts/test_aiofastnet.py has it all."""
    from aiofastnet import connect_accepted_socket

    add_reader = loop.add_reader

    def read_what_is_open(file: int, callback: Callable[..., object], *args: object) -> None:
        # It begins to read from what its protocol closed in `connection_made`, and never ends it.
        # The loop then takes the next connection with the same file number for one that it watches
        # already: nobody would hear it.
        transport: Any = getattr(callback, "__self__", None)
        if type(transport).__name__ != "SelectorSocketTransport" or not transport.is_closing():
            add_reader(file, callback, *args)

    # It has the first one, and leaves it out when it takes the place of the others.
    loop.connect_accepted_socket = partial(connect_accepted_socket, loop)  # type: ignore[method-assign]  # -- as it does
    loop.add_reader = read_what_is_open  # type: ignore[method-assign, assignment]  # -- the same
    return loop
