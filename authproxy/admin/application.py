"""An aiohttp application made of views: each request is judged first, and each answer dressed."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from http.cookies import CookieError, SimpleCookie

from aiohttp import hdrs, web

from authproxy.admin.admin_key import AdminKey
from authproxy.admin.guard import (
    KEY_REQUIRED,
    NO_HOST,
    NOT_OWN_PAGE,
    SAFE,
    TOO_MANY_WRONG_KEYS,
    AdminAccess,
    AdminRequest,
    Refusal,
    acts_for_own_page,
)
from authproxy.admin.key_page import key_page, wants_page
from authproxy.admin.views import View, refused
from authproxy.policy.access.networks import Address
from authproxy.policy.access.rate_limits import WrongKeyCounter

logger = logging.getLogger(__name__)

MAX_BODY = 1024 * 1024
ANSWER_S = 30.0
"""For one request, its body and its answer included."""
NO_PATH_HINT = (
    "There are /startup, /liveness, /readiness, /metrics and /api/status; services are at the"
    " listeners for clients. What passes is at / with --inspect."
)
KEY_PARAMETER = "key"
KEY_PROBLEMS = {
    401: "This key is wrong.",
    429: "There were too many wrong keys. Wait a minute.",
}
"""What a person is told who has typed one."""
COOKIE = "authproxy.-admin"
"""Begins as names of cookies do that authproxy keeps from services, and that none may set. No
service has the name `-admin`, so it belongs to none of them."""

DRESS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Authproxy-Listener": "admin",
}
"""On every answer, unless a view says otherwise, as a page does that has scripts of its own."""

ReadPeer = Callable[[object], Address | None]
"""From a socket's peer name to its address, None for a Unix socket."""
Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Application:
    """The aiohttp application of the admin listener."""

    def __init__(
        self, views: Iterable[View], access: AdminAccess, key: AdminKey, read_peer: ReadPeer
    ) -> None:
        self._read_peer = read_peer
        self._access = access
        self._key = key
        self._wrong_keys = WrongKeyCounter()
        self.app = web.Application(middlewares=[self._judge], client_max_size=MAX_BODY)
        self.app.on_response_prepare.append(_dress)
        for view in views:
            handler = partial(self._serve, view)
            if view.method == "GET":
                self.app.router.add_get(view.path, handler)
            else:
                self.app.router.add_route(view.method, view.path, handler)

    @web.middleware
    async def _judge(self, request: web.Request, handler: Next) -> web.StreamResponse:
        """Before anything else is looked at; what fails below is said without its inside."""
        refusal = find_duplicates(request) or self._access.find_refusal(self._read(request))
        if refusal is not None:
            return answer_refusal(refusal, request)
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return refused(404, "no_route", "There is nothing at this path.", NO_PATH_HINT)
        except web.HTTPMethodNotAllowed as error:
            answer = refused(405, "method_not_allowed", f"{request.method} cannot be used here.")
            answer.headers[hdrs.ALLOW] = ", ".join(sorted(error.allowed_methods))
            return answer
        except web.HTTPException as error:
            return refused(error.status, "bad_request", error.reason)
        except TimeoutError:
            return refused(503, "upstream_timeout", "It took too long.")
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:
            logger.exception("the admin listener failed at %s", request.path)
            return refused(500, "internal", "authproxy failed; its log says where.")

    def _read(self, request: web.Request) -> AdminRequest:
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("the client has gone")
        return read_request(request, self._read_peer(transport.get_extra_info("peername")))

    async def _serve(self, view: View, request: web.Request) -> web.StreamResponse:
        if not view.is_open:
            answer = self._find_entry(request)
            if answer is not None:
                return answer
        if view.streams:
            return await view.handler(request)
        async with asyncio.timeout(ANSWER_S):
            return await view.handler(request)

    def _find_entry(self, request: web.Request) -> web.Response | None:
        """What to say in place of what is guarded; None when the request may have it."""
        known = self._read(request)
        refusal = self._access.find_guard(known)
        if refusal is not None:
            return answer_refusal(refusal, request)
        now = time.monotonic()
        in_url = request.query.get(KEY_PARAMETER, "") if known.method in SAFE else ""
        by_ticket = bool(in_url) and self._key.takes_ticket(in_url, now)
        cookie = read_cookie(request, cookie_name(request))
        if cookie and self._key.is_cookie(cookie):
            if KEY_PARAMETER in request.query and known.method in SAFE:
                return self._enter(request)
            return None if acts_for_own_page(known) else answer_refusal(NOT_OWN_PAGE, request)
        shown = find_key(request) or in_url
        if by_ticket:
            return self._enter(request)
        if not shown:
            return answer_refusal(KEY_REQUIRED, request)
        if self._wrong_keys.wait_s(known.peer, now):
            return answer_refusal(TOO_MANY_WRONG_KEYS, request)
        if not self._key.opens(shown):
            self._wrong_keys.note(known.peer, now)
            return answer_refusal(KEY_REQUIRED, request)
        self._wrong_keys.forget(known.peer)
        return self._enter(request) if shown == in_url else None

    def _enter(self, request: web.Request) -> web.Response:
        """Lead the browser to the same address without the key, which it then has as a cookie."""
        query = [item for item in request.query.items() if item[0] != KEY_PARAMETER]
        there = request.rel_url.with_query(query)
        path = "/" + str(there).lstrip("/\\")  # two slashes would be another host's address
        answer = web.Response(status=303, headers={hdrs.LOCATION: path})
        answer.set_cookie(
            cookie_name(request), self._key.cookie.reveal(), httponly=True, samesite="Strict"
        )
        return answer


async def _dress(_request: web.Request, answer: web.StreamResponse) -> None:
    answer.headers.popall(hdrs.SERVER, None)
    for name, value in DRESS.items():
        answer.headers.setdefault(name, value)


def read_request(request: web.Request, peer: Address | None) -> AdminRequest:
    fields = request.headers
    return AdminRequest(
        method=request.method,
        peer=peer,
        host=fields.get(hdrs.HOST),
        origin=fields.get(hdrs.ORIGIN, ""),
        site=fields.get("Sec-Fetch-Site", ""),
        mode=fields.get("Sec-Fetch-Mode", ""),
        dest=fields.get("Sec-Fetch-Dest", ""),
        referer=fields.get(hdrs.REFERER, ""),
        purpose=fields.get("Sec-Purpose", "") or fields.get("Purpose", ""),
        upgrades=hdrs.UPGRADE in fields,
    )


def find_duplicates(request: web.Request) -> Refusal | None:
    """Of two Hosts or Origins one would be judged, and somebody may have meant the other."""
    several = (hdrs.HOST, hdrs.ORIGIN, "Sec-Fetch-Site", hdrs.AUTHORIZATION)
    is_twice = any(len(request.headers.getall(name, ())) > 1 for name in several)
    return NO_HOST if is_twice or hdrs.HOST not in request.headers else None


def find_key(request: web.Request) -> str:
    """As programs show it; empty when they do not."""
    scheme, _, value = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    return request.headers.get("X-Api-Key", "").strip()


def cookie_name(request: web.Request) -> str:
    """Cookies do not tell ports apart, so that two of us on one machine need two names."""
    transport = request.transport
    local = transport.get_extra_info("sockname") if transport is not None else None
    return f"{COOKIE}.{local[1]}" if isinstance(local, tuple) else COOKIE


def read_cookie(request: web.Request, name: str) -> str:
    """Other programs at this host may have set cookies that cannot be read: they do not count."""
    for part in request.headers.get(hdrs.COOKIE, "").split(";"):
        try:
            found = SimpleCookie(part.strip()).get(name)
        except CookieError:
            continue
        if found is not None:
            return found.value
    return ""


def answer_refusal(refusal: Refusal, request: web.Request) -> web.Response:
    if refusal.detail:
        logger.warning("admin listener: %s %s: %s", request.method, request.path, refusal.detail)
    if refusal.status in KEY_PROBLEMS and wants_page(request):
        tried = KEY_PARAMETER in request.query
        answer = key_page(refusal.status, KEY_PROBLEMS[refusal.status] if tried else "")
    else:
        answer = refused(refusal.status, refusal.error, refusal.message, refusal.hint)
    if refusal.status == 401:
        answer.headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="authproxy admin"'
    return answer
