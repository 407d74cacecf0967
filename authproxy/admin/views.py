"""Views: the answers of the admin listener, each at one method and path.

A view may come from any package above this one, as the inspector's do: `runtime.admin.open_admin`
adds them all.

A handler is aiohttp's: it gets the request, and gives an answer. It runs on the loop that serves
all clients, so it must be quick, and wait only for what is bounded.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One method and path. GET answers HEAD too. What acts does so by POST."""

    path: str
    """As aiohttp has it: `/api/exchanges/{id}`."""
    handler: Handler
    method: str = "GET"
    is_open: bool = False
    """Without a key, for whoever `admin_allow` lets in: probes and metrics. Shows no secret."""
    streams: bool = False
    """It may take as long as it likes, as a stream of events does."""


def as_json(value: object, *, status: int = 200, is_long: bool = False) -> web.Response:
    """An answer for programs; a person can read it too, unless it is so long that to indent it
    would hold up the loop."""
    text = json.dumps(value, indent=None if is_long else 2, ensure_ascii=False) + "\n"
    return web.Response(text=text, status=status, content_type="application/json")


def refused(status: int, error: str, message: str, hint: str = "") -> web.Response:
    """In the form that the errors on other listeners have."""
    answer = as_json({"error": error, "message": message, "hint": hint}, status=status)
    answer.headers["X-Authproxy-Error"] = error
    return answer
