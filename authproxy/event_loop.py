"""The event loop that everything runs on: with aiofastnet's transports where that is possible."""

import asyncio
import contextlib
import importlib
import ssl
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import cached_property, partial
from types import ModuleType, SimpleNamespace
from typing import Any, TypeVar

from authproxy.resolver import Resolver

_python_ssl: Any = getattr(ssl, "_ssl", None)

Result = TypeVar("Result")

RECORD = 16 * 1024
"""What TLS puts into one record at most (RFC 8446 5.1)."""
SEALED = RECORD + 64
"""The same with all that encryption adds to it."""
READ_RECORDS, WRITE_RECORDS = 4, 2
"""How many records each connection has room for, in either direction. It keeps that room."""

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def choose_transports() -> LoopFactory | None:
    """aiofastnet's transports where they can be used, else None: the standard ones, slower."""
    try:
        import aiofastnet
    except ImportError:
        return None
    _decode_certificates_later()
    _read_less_at_a_time()
    make = aiofastnet.loop_factory()
    return lambda: _mend(make())


def with_resolver(
    make: LoopFactory | None, resolver: Callable[[], Resolver] = Resolver
) -> LoopFactory:
    """The loops that `make` makes, the standard ones by default, with names looked up our way."""

    def made() -> asyncio.AbstractEventLoop:
        # Not what is the default on Windows: that cannot wait for a client to be accepted later.
        loop = asyncio.SelectorEventLoop() if make is None else make()
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


class PeerCertificate(Mapping[str, Any]):
    """A certificate as `ssl.SSLSocket.getpeercert` shows it, decoded when somebody looks into it.

    Then it takes a temporary file for a moment, as Python has no other way to decode one.
    """

    def __init__(self, der: bytes) -> None:
        self._der = der

    @cached_property
    def _fields(self) -> Mapping[str, Any]:
        with tempfile.NamedTemporaryFile("w", encoding="ascii") as file:
            file.write(ssl.DER_cert_to_PEM_cert(self._der))
            file.flush()
            decoded: Mapping[str, Any] = _python_ssl._test_decode_cert(file.name)
        return decoded

    def __getitem__(self, name: str) -> Any:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


class _Decoding(threading.local):
    """Stand-in for what aiofastnet calls to decode a certificate, in this order: it makes a
    text of it, writes that to a file, and has the file decoded. Here it only passes through."""

    name = ""
    """Of the file: there is none, so none is removed."""

    def text_of(self, der: bytes) -> bytes:
        return der

    def new_file(self, **_: object) -> "_Decoding":
        return self

    def write(self, der: bytes) -> None:
        self.der = der

    def decode(self, _name: str) -> PeerCertificate:
        return PeerCertificate(self.der)

    def __enter__(self) -> "_Decoding":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def _decode_certificates_later() -> None:
    """aiofastnet 1.2 decodes the peer's certificate after each handshake, for
    `get_extra_info("peercert")`. Python decodes nothing but files, so it writes one: that was a
    quarter of all that opening a connection takes, and needed a folder for temporary files.

    OpenSSL has verified the certificate by then, and nothing of that is touched. Other versions
    are left as they are.
    """
    with contextlib.suppress(ImportError, AttributeError):
        from aiofastnet import __version__

        engine: Any = importlib.import_module("aiofastnet.ssl_engine_direct")
        if not __version__.startswith("1.2.") or engine.tempfile is not tempfile:
            return
        made = _Decoding()
        inner = _replacing(_python_ssl, _test_decode_cert=made.decode)
        engine.ssl = _replacing(ssl, DER_cert_to_PEM_cert=made.text_of, _ssl=inner)
        # Nothing else of it is used there, and to copy the rest would load it.
        engine.tempfile = SimpleNamespace(NamedTemporaryFile=made.new_file)


def _replacing(module: ModuleType, **names: object) -> object:
    """`module` for one that uses it, with other things under these names."""
    return SimpleNamespace(**{**vars(module), **names})


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
