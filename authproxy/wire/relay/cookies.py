"""Cookies that an answer carries besides those of the service, and a word about those lost."""

import logging
from collections.abc import Sequence

from authproxy.exchange import ResponseHead
from authproxy.policy.messages.cookies import MAX_COOKIE
from authproxy.policy.messages.origin_mapping import Home
from authproxy.wire.upstream.upstream import Upstream

logger = logging.getLogger(__name__)


def lines_for(upstream: Upstream, head: ResponseHead, home: Home, target: bytes) -> bytes:
    """Finished lines to add to `head`, that of the answer to `target`."""
    return cookie_lines(upstream, [field[:2] for field in head.headers], home, target)


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
