"""Tells a refusal by Google's front end, or by Identity-Aware Proxy, from an application's answer.

Both come from the same address with the same `Server`. The front end's pages are bare HTML in one
frame; they name no reason, and those of one status are all alike but for the path in them. What
Identity-Aware Proxy answers carries `X-Goog-IAP-Generated-Response`
(https://cloud.google.com/iap/docs/query-parameters-and-headers-howto).

An application can imitate all of this. It then earns itself advice that does not help, and no more:
nothing of an answer is repeated in it (see `authproxy.policy.google.advice`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from authproxy.exchange import Field, ResponseHead
from authproxy.values.wording import html_text

LOWEST_STATUS: Final = 300
"""No answer below is a refusal; what costs nothing to compare."""

_REJECTED: Final = b"The access token could not be verified"


class Rejection(StrEnum):
    """Kinds of Google's refusals."""

    NOT_INVOKER = "not_invoker"
    """403: there was no token, or its owner may not call the service."""
    INVALID_TOKEN = "invalid_token"
    """401: expired, for another audience, not an identity token: the front end does not say."""
    NOT_FOUND = "not_found"
    """404: no such service, or it may not be reached from here or at this address."""
    TOO_LARGE = "too_large"
    """413."""
    ALL_BUSY = "all_busy"
    """429: as many instances as are allowed, and none is free."""
    NO_INSTANCE = "no_instance"
    """500, 503: none could be started, or it broke down."""
    IAP_NO_TOKEN = "iap_no_token"
    """Identity-Aware Proxy found no token: 401, or 302 to where people sign in."""
    IAP_INVALID_TOKEN = "iap_invalid_token"
    """401 of Identity-Aware Proxy."""
    IAP_NOT_ALLOWED = "iap_not_allowed"
    """403 of Identity-Aware Proxy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    rejection: Rejection
    phrase: bytes
    """In the title and in the heading."""
    fixed_bytes: int | None = None
    """The page's size without the path in it; None where it is not known well enough."""
    has_path: bool = False


_SERVER_ERROR: Final = _Page(rejection=Rejection.NO_INSTANCE, phrase=b"Server Error")
_PAGES: Mapping[int, _Page] = {
    401: _Page(rejection=Rejection.INVALID_TOKEN, phrase=b"Unauthorized"),
    403: _Page(
        rejection=Rejection.NOT_INVOKER, phrase=b"Forbidden", fixed_bytes=294, has_path=True
    ),
    404: _Page(rejection=Rejection.NOT_FOUND, phrase=b"Page not found", fixed_bytes=272),
    413: _Page(rejection=Rejection.TOO_LARGE, phrase=b"Request Entity Too Large"),
    500: _SERVER_ERROR,
    503: _SERVER_ERROR,
}
REFUSING: Final = frozenset([302, 429, *_PAGES])
"""Statuses that a refusal may have."""
_CONTENT_TYPE: Final = b"text/html; charset=utf-8"
_RATE_EXCEEDED: Final = b"Rate exceeded."
_EMPTY_TOKEN: Final = b"empty token"
_IAP: Final = b"x-goog-iap-generated-response"
_BEGIN: Final = b"<html><head>"
_FRAME: Final = b"<body text=#000000 bgcolor=#ffffff>"
_TOLD_PATH: Final = re.compile(rb"<code>(.*?)</code>")
_PLAIN_PATH: Final = re.compile(rb"[A-Za-z0-9/._~-]*")


def judge(
    status: int, headers: Sequence[Field], body_start: bytes, *, path: bytes | None = None
) -> Rejection | None:
    """None for the application's own answer, and wherever it cannot be told.

    `body_start`: as much of the body as there is, perhaps nothing. With too little to tell, as for
    HEAD, the page's size must do, which may depend on the `path` that was asked for.
    """
    if status not in REFUSING:
        return None
    found = {lower: value for lower, value, _ in headers}
    if found.get(_IAP, b"").lower() == b"true":
        return _judge_iap(status, body_start)
    if found.get(b"server") != b"Google Frontend":
        return None
    if found.get(b"content-type", b"").lower() != _CONTENT_TYPE:
        return None
    if is_token_rejection(ResponseHead(status, b"", list(headers))):
        return Rejection.INVALID_TOKEN
    if status == 429:
        return Rejection.ALL_BUSY if body_start.strip() == _RATE_EXCEEDED else None
    bare = None if path is None else path.partition(b"?")[0]
    return _judge_page(status, found.get(b"content-length"), body_start, bare)


def suspect(status: int, headers: Sequence[Field]) -> Rejection | None:
    """What an answer would be whose body nobody has seen yet, if that is Google's."""
    found = {lower: value for lower, value, _ in headers}
    if (
        found.get(b"server") != b"Google Frontend"
        or found.get(b"content-type", b"").lower() != _CONTENT_TYPE
    ):
        return None
    if status == 429:
        return Rejection.ALL_BUSY
    page = _PAGES.get(status)
    return page.rejection if page is not None else None


def _judge_iap(status: int, body_start: bytes) -> Rejection | None:
    if status == 302 or (status == 401 and _EMPTY_TOKEN in body_start):
        return Rejection.IAP_NO_TOKEN
    if status == 401:
        return Rejection.IAP_INVALID_TOKEN
    return Rejection.IAP_NOT_ALLOWED if status == 403 else None


def _judge_page(
    status: int, length: bytes | None, body: bytes, path: bytes | None
) -> Rejection | None:
    page = _PAGES.get(status)
    if page is None:
        return None
    if _FRAME in body:
        is_page = _is_page(page, status, body, path)
    else:
        # It may not have come that far; what is there must agree with it.
        begins = _BEGIN.startswith(body.lstrip()[: len(_BEGIN)])
        is_page = begins and _has_its_size(page, length, path)
    return page.rejection if is_page else None


def _is_page(page: _Page, status: int, body: bytes, path: bytes | None) -> bool:
    """An application may pass on a refusal that it got itself; that names another path.

    How the front end writes unusual characters is not known, so only plain paths are compared.
    """
    if b"<title>%d " % status not in body or b"<h1>Error: %b</h1>" % page.phrase not in body:
        return False
    told = _TOLD_PATH.search(body)
    if told is None or path is None or not _PLAIN_PATH.fullmatch(path):
        return True
    return told[1] == path


def _has_its_size(page: _Page, length: bytes | None, path: bytes | None) -> bool:
    size = page.fixed_bytes
    if size is None:
        return False
    if page.has_path:
        if path is None:
            return False
        size += len(html_text(path.decode("latin-1")))
    return length == b"%d" % size


def is_token_rejection(head: ResponseHead) -> bool:
    """Did Google's front end turn the token down, rather than the application behind it?

    Both say 401 and `error="invalid_token"`; the description is the front end's own.
    """
    if head.status != 401:
        return False
    return any(
        lower == b"www-authenticate" and b'error="invalid_token"' in value and _REJECTED in value
        for lower, value, _ in head.headers
    )


def is_scaling_up(head: ResponseHead) -> bool:
    """Does Google's front end say that there is no instance of the service at the moment?

    It says so on a page of its own. An application that sends no HTML, or that says when to come
    again, speaks for itself.
    """
    if head.status not in (429, 503):
        return False
    found = {lower: value for lower, value, _ in head.headers}
    return (
        found.get(b"server") == b"Google Frontend"
        and found.get(b"content-type", b"").lower().startswith(b"text/html")
        and b"retry-after" not in found
    )
