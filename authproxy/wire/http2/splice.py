"""One HTTP/2 connection of a client, put through to a service."""

import asyncio
from typing import TYPE_CHECKING

from authproxy.wire.http2.frames import Failure, goaway

if TYPE_CHECKING:
    from authproxy.wire.caller import Caller
    from authproxy.wire.listener import ProxyServer


def splice(
    server: "ProxyServer", transport: asyncio.Transport, caller: "Caller", data: bytes
) -> None:
    """Take over a client connection that began with HTTP/2's preface, which `data` begins with."""
    transport.write(goaway(0, Failure.INTERNAL_ERROR, "not built yet"))
    transport.close()
