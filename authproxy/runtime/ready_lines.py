"""Says that requests are taken, and how services are reached."""

import logging
from collections.abc import Mapping, Sequence

from authproxy.observe.stream import LogStream
from authproxy.runtime.listeners import addresses
from authproxy.settings import ListenerSettings, Settings
from authproxy.values import EgressProxy
from authproxy.wire.upstream.upstream import Upstream

logger = logging.getLogger(__name__)

NAMES_TOLD = 10


def announce(
    opened: Sequence[tuple[str, ListenerSettings]],
    settings: Settings,
    stream: LogStream,
    admin_url: str = "",
    authorizer_urls: Sequence[str] = (),
) -> None:
    """The ready lines, one for each listener and service; programs wait for them."""
    for url, listener in opened:
        for name, shown in addresses(url, listener, settings):
            stream.write(f"authproxy: {shown} -> {settings.services[name].address}\n")
    for url in authorizer_urls:
        stream.write(f"authproxy: authorizer: {url}\n")
    if admin_url:
        stream.write(f"authproxy: admin: {admin_url}\n")
    stream.flush()


def tell_egress(upstreams: Mapping[str, Upstream]) -> None:
    """Say which services are reached through a proxy, one line for each proxy."""
    through: dict[EgressProxy, list[str]] = {}
    for name, upstream in upstreams.items():
        egress = upstream.connector.egress
        if egress is not None:
            through.setdefault(egress.proxy, []).append(name)
    for proxy, names in through.items():
        logger.info(
            "egress proxy %s (named by %s) for %s",
            proxy,
            proxy.source,
            ", ".join(names[:NAMES_TOLD]) + (" …" if len(names) > NAMES_TOLD else ""),
        )
