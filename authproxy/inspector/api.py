"""Exchanges as JSON at the admin listener; docs/inspector-api.md has every shape.

All of it is guarded: for this machine, and with the key. What acts does so by POST.
"""

import asyncio
import json
import secrets
from typing import Any

from aiohttp import web

from authproxy.admin.views import Handler, View, as_json, refused
from authproxy.errors import AuthProxyError, Code, Refused
from authproxy.inspector.assembly import Recording
from authproxy.inspector.bodies.content import IMAGES, WholeBody
from authproxy.inspector.change_stream import events, position_of
from authproxy.inspector.proxy_state import ProxyState
from authproxy.inspector.recording.record import Record
from authproxy.inspector.replay import Replayer, request_of
from authproxy.inspector.views.comparison import comparison
from authproxy.inspector.views.detail import detail
from authproxy.inspector.views.filters import Filter, read_filter
from authproxy.inspector.views.har import entry, har
from authproxy.inspector.views.rows import Row, row
from authproxy.inspector.views.snippets import missing, snippets

AT_ONCE = 200
"""Records that are looked at before the loop has its turn again."""
USUAL_LIMIT = 500
MOST_LIMIT = 5000
MOST_STREAMS = 16
SLOW_READER_S = 30.0
"""One that takes nothing for so long may be a page that sleeps. It would keep others from following
the list; when it wakes it connects anew, and hears what it has missed."""
DRAWING = "image/svg+xml"
INERT = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""For what services say: a drawing has its own colours, but runs nothing, and loads nothing."""


class Inspector:
    """Answers what is asked about exchanges."""

    def __init__(
        self,
        recording: Recording,
        around: ProxyState,
        replayer: Replayer,
        *,
        slow_reader_s: float = SLOW_READER_S,
    ) -> None:
        """`slow_reader_s`: for a follower of the list to take what it is told."""
        self._slow_reader_s = slow_reader_s
        self._store = recording.store
        self._around = around
        self._replayer = replayer
        self._run = secrets.token_hex(4)
        self._streams = 0

    def views(self) -> list[View]:
        """For the admin listener."""
        one = "/api/exchanges/{id:[0-9]{1,15}}"
        return [
            _get("/api/exchanges", self._list),
            _get("/api/exchanges/stream", self._stream, streams=True),
            _get("/api/exchanges/har", self._all_as_har, streams=True),
            _get("/api/exchanges/compare", self._compare),
            _post("/api/exchanges/pause", self._pause),
            _post("/api/exchanges/resume", self._resume),
            _post("/api/exchanges/clear", self._clear),
            _get(one, self._detail),
            _get(one + "/har", self._as_har),
            _get(one + "/commands", self._commands),
            _get(one + "/{which:request|answer}-body", self._body),
            _post(one + "/replay", self._replay),
        ]

    def _find(self, number: str) -> Record:
        """Raises Refused."""
        record = self._store.find(int(number)) if number.isdecimal() and len(number) < 16 else None
        if record is None:
            raise Refused(
                "This exchange is not kept any more, or never was.",
                code=Code.NO_ROUTE,
                hint="The oldest make room for new ones. [inspect] memory says how much is kept.",
            )
        return record

    async def _refresh(self) -> None:
        """Let other processes tell what they know first."""
        if self._around.refresh is not None:
            await self._around.refresh()

    async def _list(self, request: web.Request) -> web.StreamResponse:
        wanted = read_filter(request.query)
        limit = min(_number(request, "limit", USUAL_LIMIT), MOST_LIMIT)
        before = _number(request, "before", 0)
        await self._refresh()
        position = self._store.changes
        found, more = await self._rows(wanted, limit, before)
        store = self._store
        return _plain_json(
            {
                "run": self._run,
                "position": position,
                "paused": store.is_paused,
                "kept": len(store),
                "forgotten": store.forgotten,
                "memory": {"used": store.used, "limit": store.limit},
                "more": more,
                "exchanges": found,
            }
        )

    async def _rows(self, wanted: Filter, limit: int, before: int) -> tuple[list[Row], bool]:
        """The newest that fit, of those older than number `before`; and whether there are more."""
        found: list[Row] = []
        for count, record in enumerate(self._store.newest_first()):
            if count % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            if before and record.number >= before:
                continue
            each = row(record)
            if wanted.fits(each):
                if len(found) == limit:
                    return found, True
                found.append(each)
        return found, False

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        wanted = read_filter(request.query)
        known = request.headers.get("Last-Event-ID") or request.query.get("since", "")
        if self._streams >= MOST_STREAMS:
            return refused(503, "too_many_requests", "Too many pages follow the list.")
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        self._streams += 1
        try:
            await answer.prepare(request)
            position = position_of(known, self._run)
            if known and position is None:
                position = -1  # of another run: the list is to be read anew
            async for event in events(self._store, self._run, wanted, position):
                async with asyncio.timeout(self._slow_reader_s):
                    await answer.write(event)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._streams -= 1
        return answer

    async def _detail(self, request: web.Request) -> web.StreamResponse:
        record = self._find(request.match_info["id"])
        found = detail(record, self._around.key_header)
        lacks = missing(record)
        return _plain_json({"run": self._run, **found, "missing": lacks})

    async def _body(self, request: web.Request) -> web.StreamResponse:
        record = self._find(request.match_info["id"])
        is_request = request.match_info["which"] == "request"
        content = record.content
        kept = content and (content.request if is_request else content.answer)
        if not isinstance(kept, WholeBody) or not kept.content:
            return refused(404, "no_route", "Nothing of this body is kept.")
        shown: dict[str, Any] = kept.shown()
        is_image = shown["type"] in IMAGES or shown["type"] == DRAWING
        media_type = shown["type"] if is_image else "text/plain"
        answer = web.Response(body=kept.content, content_type=media_type)
        if media_type not in IMAGES:
            answer.charset = "utf-8"
        answer.headers["Content-Security-Policy"] = INERT
        return answer

    async def _commands(self, request: web.Request) -> web.StreamResponse:
        return as_json(snippets(self._find(request.match_info["id"])))

    async def _as_har(self, request: web.Request) -> web.StreamResponse:
        record = self._find(request.match_info["id"])
        answer = as_json(har([record]))
        answer.headers["Content-Disposition"] = (
            f'attachment; filename="authproxy-{record.number}.har"'
        )
        return answer

    async def _all_as_har(self, request: web.Request) -> web.StreamResponse:
        """Entry by entry, so that the file is never in memory as a whole."""
        wanted = read_filter(request.query)
        answer = web.StreamResponse(
            headers={
                "Content-Type": "application/json",
                "Content-Disposition": 'attachment; filename="authproxy.har"',
            }
        )
        await answer.prepare(request)
        start, end = json.dumps(har([])).split("[]}}")[0], "]}}"
        await answer.write(f"{start}[".encode())
        separator = ""
        for count, record in enumerate(reversed(list(self._store.newest_first()))):
            if count % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            if wanted.fits(row(record)):
                await answer.write(f"{separator}\n{json.dumps(entry(record))}".encode())
                separator = ","
        await answer.write(end.encode())
        return answer

    async def _compare(self, request: web.Request) -> web.StreamResponse:
        first, second = (self._find(request.query.get(name, "")) for name in ("a", "b"))
        return as_json(comparison(first, second))

    async def _pause(self, _request: web.Request) -> web.StreamResponse:
        await self._refresh()
        self._store.pause()
        return as_json({"paused": True})

    async def _resume(self, _request: web.Request) -> web.StreamResponse:
        self._store.resume()
        return as_json({"paused": False})

    async def _clear(self, _request: web.Request) -> web.StreamResponse:
        await self._refresh()
        self._store.clear()
        return as_json({"kept": len(self._store)})

    async def _replay(self, request: web.Request) -> web.StreamResponse:
        record = self._find(request.match_info["id"])
        changes = await _read_object(request)
        made = request_of(record, changes)
        begun = self._store.newest_number
        status = await self._replayer.send(record, made)
        name = str(record.number)
        new = next(
            (r for r in self._store.newest_first() if r.replayed_from == name and r.number > begun),
            None,
        )
        given = {"query" if name == "target" else name for name in changes}
        left_out = [each for each in missing(record) if each not in given]
        if "headers" in changes:
            left_out = []
        return as_json(
            {
                "status": status,
                "id": None if new is None else str(new.number),
                "principal": "" if new is None else new.facts.principal,
                "left_out": left_out,
            }
        )

    def __repr__(self) -> str:
        return f"<Inspector of {self._store}>"


def _get(path: str, handler: Handler, *, streams: bool = False) -> View:
    return View(path=path, handler=_told(handler), streams=streams)


def _post(path: str, handler: Handler) -> View:
    return View(path=path, handler=_told(handler), method="POST")


def _told(handler: Handler) -> Handler:
    """Our own errors become answers."""

    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except AuthProxyError as error:
            return refused(error.status, error.code, error.message, error.hint)

    return answered


def _number(request: web.Request, name: str, otherwise: int) -> int:
    value = request.query.get(name, "")
    if not value:
        return otherwise
    if not (value.isdecimal() and value.isascii() and len(value) < 16):
        raise Refused(f"{name} is not a number.", code=Code.BAD_REQUEST, hint=f"As in {name}=100.")
    return int(value)


async def _read_object(request: web.Request) -> dict[str, object]:
    """Raises Refused."""
    content = await request.read()  # JSON is UTF-8, whatever charset the head names
    try:
        value = json.loads(content) if content.strip() else {}
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Refused(
            "The body is not a JSON object.", code=Code.BAD_REQUEST, hint='As in {"method": "GET"}.'
        )
    return value


def _plain_json(value: object) -> web.Response:
    """Without the spaces that people like: lists are long."""
    return web.Response(text=json.dumps(value), content_type="application/json")
