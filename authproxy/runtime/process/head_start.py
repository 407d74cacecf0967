"""Tokens and connections for first requests, before those come."""

import contextlib
import logging
from collections.abc import Mapping

from authproxy.errors import CredentialError
from authproxy.identity.token_cache.supply import Supply
from authproxy.tasks import Tasks
from authproxy.wire.listening.tls import ListenerTls
from authproxy.wire.upstream.upstream import Upstream

logger = logging.getLogger(__name__)

WARM_AT_MOST = 32
"""With more services than this none is connected to before it is wanted: most would be in vain."""


def begin(
    upstreams: Mapping[str, Upstream],
    new: Mapping[str, Upstream],
    tls: ListenerTls | None,
    tasks: Tasks,
    *,
    connects: bool = True,
) -> None:
    """Get tokens for those `upstreams` that are new, and connections if this process `connects`."""
    for name, upstream in upstreams.items():
        for account, supply in upstream.supplies.items():
            # Of a service that was there before, only accounts may be new.
            if name in new or (account and not supply.statuses()[0].obtained):
                tasks.spawn(_first_token(supply), name=f"first token for {name}")
    if len(upstreams) > WARM_AT_MOST or not connects:
        return
    _warm(new)
    if tls is not None and not tls.prefers_http2:
        tasks.spawn(_choose_protocol(tls, upstreams), name="choice of protocol")


async def _choose_protocol(tls: ListenerTls, upstreams: Mapping[str, Upstream]) -> None:
    """A client that chose HTTP/2 cannot reach a service that does not speak it: ask them all."""
    for upstream in upstreams.values():
        if upstream.found is not None:
            with contextlib.suppress(CredentialError):
                await upstream.found()
        if not await upstream.connector.speaks_http2():
            name = upstream.name
            logger.info("TLS clients are offered HTTP/1.1 only: %s lacks HTTP/2", name)
            return
    tls.prefer_http2()
    logger.info("TLS clients are offered HTTP/2: every service speaks it")


def _warm(upstreams: Mapping[str, Upstream]) -> None:
    """Connect to all whose address is known."""
    for upstream in upstreams.values():
        if upstream.found is None:
            upstream.pool.warm()


async def _first_token(supply: Supply) -> None:
    """Fetch a token before the first request wants it; a failure is in the log then, early."""
    with contextlib.suppress(CredentialError):
        await supply.get()
