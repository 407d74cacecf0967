"""Cookies that an answer carries besides those of the service, and a word about those lost."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from authproxy.exchange import ResponseHead
from authproxy.policy.messages.cookies import MAX_COOKIE
from authproxy.policy.messages.origin_mapping import Home
from authproxy.wire.upstream.upstream import Upstream

if TYPE_CHECKING:
    from authproxy.wire.relay.relay import Relay

logger = logging.getLogger(__name__)


def add_cookies(relay: "Relay", head: ResponseHead) -> None:
    """Put the lines into the head that was just written to the client."""
    fields = [field[:2] for field in head.headers]
    client = relay.client
    client.add_to_head(cookie_lines(relay.upstream, fields, client.caller.home, relay.target))


def cookie_lines(
    upstream: Upstream, fields: Sequence[tuple[bytes, bytes]], home: Home, target: bytes
) -> bytes:
    """Finished lines to add to the answer with these `fields`, names in lower case, to `target`."""
    site = upstream.site_data
    for name in site.find_too_long(fields, home):
        logger.warning(
            "%s: with the name that it has here, the cookie %s is longer than %d bytes, and"
            " browsers drop it; make it shorter%s",
            upstream.name,
            name.decode("latin-1"),
            MAX_COOKIE,
            f", or use {upstream.name}.localhost, where names stay" if home.mark else "",
        )
    more = site.more(fields, home, target)
    return b"".join(b"Set-Cookie: %b\r\n" % value for value in more)
