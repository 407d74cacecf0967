"""The one place where a failure to connect becomes ours, in words that help."""

import asyncio
import contextlib
import errno
import logging
import os
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

from authproxy.errors import Code, StartError, UpstreamError

logger = logging.getLogger(__name__)


# What OpenSSL calls an answer that is no record of TLS.
_NO_TLS = frozenset(["WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Peer that we try to reach, in words."""

    kind: Literal["service", "proxy"]
    name: str
    """As at the beginning of a sentence: `The egress proxy http://proxy:3128`."""
    host: str
    hint: str = ""
    """Follows every hint: how we came to want this peer."""

    @property
    def inner_name(self) -> str:
        """As within a sentence."""
        return self.name[0].lower() + self.name[1:]


@contextlib.asynccontextmanager
async def reaching(peer: Peer, *, deadline: float, timeout_s: float) -> AsyncIterator[None]:
    """What fails inside, or is not done at `deadline`, raises UpstreamError with `sent` False.

    `deadline` is in the loop's time; `timeout_s` is what it was made from, for the message.
    """
    try:
        async with asyncio.timeout_at(deadline):
            yield
    except UpstreamError:
        raise
    except Exception as error:
        raise translate(error, peer, timeout_s) from error


_FULL = "incoming BIO: no writable capacity"
"""What aiofastnet says of a connection that was cut while more came than it has room for."""


def note_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An exception handler for the loop, with two more cases than asyncio's own.

    aiofastnet 1.2 hands over the class ConnectionResetError, not an instance, when the other side
    leaves during the handshake, and asyncio's handler stumbles over that with a traceback. And it
    reads on from a connection in TLS that was just cut, until there is no room any more, as there
    soon is with buffers as small as ours (`event_loop`): whoever sends enough behind what we refuse
    would have a traceback for each time.
    """
    error = context.get("exception")
    if isinstance(error, type) and issubclass(error, OSError):
        logger.debug("%s: %s", context.get("message"), error.__name__)
    elif isinstance(error, RuntimeError) and _FULL in str(error):
        logger.debug("%s: %s", context.get("message"), error)
    else:
        loop.default_exception_handler(context)


def translate(error: Exception, peer: Peer, timeout_s: float) -> UpstreamError:
    code = Code.CONNECT_FAILED
    is_shortage = _is_shortage(error)
    if is_shortage:
        message = f"authproxy may open no more files, so {peer.inner_name} cannot be reached."
        hint = "Raise its limit: ulimit -n, LimitNOFILE= or docker run --ulimit nofile=1024."
    elif isinstance(error, ssl.SSLError):
        message, hint, code = _translate_tls(error, peer)
    elif isinstance(error, TimeoutError):
        code = Code.UPSTREAM_TIMEOUT
        message = f"{peer.name} did not accept a connection within {timeout_s:g} seconds."
        hint = "Is the address right? Is a firewall in between, or is an egress route missing?"
    elif isinstance(error, socket.gaierror | UnicodeError):
        message = f"The host name {peer.host} cannot be resolved."
        hint = "Check the URL for a typo, and the DNS of this machine."
    elif isinstance(error, ConnectionResetError | ConnectionAbortedError):
        message = f"{peer.name} closed the connection while it was being opened."
        hint = (
            f"With TLS this is often a certificate that the {peer.kind} requires, a version of"
            " TLS that it does not support, or a wrong port."
        )
    elif isinstance(error, StartError):
        message = f"The settings for TLS to {peer.inner_name} can no longer be used."
        hint = "A file that they name has changed: authproxy check says which."
    else:
        message = f"{peer.name} cannot be reached."
        hint = f"Is the {peer.kind} running, and are its address and port right?"
    # aiofastnet's errors of TLS carry no text of their own.
    detail = str(error) or repr(error)
    hint = f"{hint} {peer.hint}".rstrip()
    return UpstreamError(
        message,
        code=code,
        sent=False,
        hint=hint,
        detail=detail,
        passing=is_shortage or isinstance(error, ConnectionError),
    )


def _is_shortage(error: Exception) -> bool:
    """Of descriptors. A name that cannot be looked up for want of one is unknown, by its error, or
    a device is busy."""
    if not isinstance(error, OSError):
        return False
    return error.errno in _SHORTAGES or not (isinstance(error, _OF_A_PEER) or _can_open())


def _can_open() -> bool:
    try:
        os.close(os.dup(0))
    except OSError as error:
        return error.errno not in _SHORTAGES
    return True


_SHORTAGES = (errno.EMFILE, errno.ENFILE)
_OF_A_PEER = (ConnectionError, TimeoutError, ssl.SSLError)


def _translate_tls(error: ssl.SSLError, peer: Peer) -> tuple[str, str, Code]:
    """Message, hint and code."""
    reason = str(getattr(error, "reason", ""))
    if isinstance(error, ssl.SSLCertVerificationError):
        message = f"The certificate of {peer.inner_name} is not trusted: {error.verify_message}."
        hint = f"If the {peer.kind} uses a private CA, name its certificate with --ca-file."
    elif reason in _NO_TLS:
        message = f"{peer.name} does not speak TLS at this port."
        hint = f"If that is the right port, write http:// and not https:// for the {peer.kind}."
    elif "NO_APPLICATION_PROTOCOL" in reason:
        message = f"{peer.name} does not speak HTTP/1.1."
        hint = "If it speaks HTTP/2 only, let the client speak HTTP/2 to authproxy."
        return message, hint, Code.NO_HTTP1
    else:
        message = f"The TLS handshake with {peer.inner_name} failed."
        hint = f"Is this the right port, and does the {peer.kind} speak TLS on it?"
    return message, hint, Code.CONNECT_FAILED
