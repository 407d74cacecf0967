"""Lets a service describe its gRPC messages, when somebody looks at one of its calls.

That acts: the service gets a call of ours. So it is a POST, and asked once in a while for each gRPC
service. Messages that come from then on are kept with their names.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from authproxy.admin.views import View, as_json, refused
from authproxy.errors import AuthProxyError, Code, Refused
from authproxy.inspector.assembly import Recording
from authproxy.inspector.bodies.grpc_texts import called
from authproxy.inspector.recording.record import Record

if TYPE_CHECKING:
    from authproxy.inspector.reflection import ReflectionTarget

GOOD_S = 300.0
"""So long a description counts: a new revision may have others."""
BAD_S = 30.0
MOST_KNOWN = 64


class DescriptionApi:
    """Answers what is asked about the messages of a service."""

    def __init__(
        self, recording: Recording, reach: "Callable[[str], Awaitable[ReflectionTarget]]"
    ) -> None:
        """`reach`: how the service of this name is asked. Raises AuthProxyError."""
        self._recording = recording
        self._reach = reach
        self._asked: dict[tuple[str, str], tuple[float, str]] = {}
        """When, and why it has none."""
        self._one_by_one = asyncio.Lock()

    def views(self) -> list[View]:
        """For the admin listener."""
        path = "/api/exchanges/{id:[0-9]{1,15}}/description"
        return [View(path=path, handler=self._describe, method="POST", streams=True)]

    async def _describe(self, request: web.Request) -> web.StreamResponse:
        try:
            why = await self._why_none(self._find(int(request.match_info["id"])))
        except AuthProxyError as error:
            return refused(error.status, error.code, error.message, error.hint)
        return as_json({"described": not why, "why": why})

    def _find(self, number: int) -> Record:
        """Raises Refused."""
        record = self._recording.store.find(number)
        content = None if record is None else record.content
        kept = content and (content.request or content.answer)
        if record is None or not kept or kept.shown()["form"] != "grpc":
            raise Refused(
                "No messages of gRPC are kept of this exchange.",
                code=Code.NO_ROUTE,
                hint="record_bodies of the service has them kept.",
            )
        return record

    async def _why_none(self, record: Record) -> str:
        """Empty where the description is known now. Raises AuthProxyError."""
        service = record.facts.service
        grpc_service, _ = called(record.target)
        async with self._one_by_one:
            asked_at, why = self._asked.get((service, grpc_service), (float("-inf"), ""))
            is_known = self._recording.texts.knows(service, grpc_service)
            age = time.monotonic() - asked_at
            if age < BAD_S if why else is_known and age < GOOD_S:
                return why
            why = await self._ask(service, grpc_service)
            if len(self._asked) >= MOST_KNOWN:
                self._asked.clear()
            self._asked[service, grpc_service] = time.monotonic(), why
            return why

    async def _ask(self, service: str, grpc_service: str) -> str:
        """Raises AuthProxyError. HTTP/2 is loaded only now: few ask."""
        from authproxy.inspector.reflection import NoDescription, find_descriptions

        try:
            target = await self._reach(service)
            found = await find_descriptions(target, grpc_service)
        except NoDescription as error:
            return str(error)
        self._recording.texts.learn(service, grpc_service, found)
        return ""

    def __repr__(self) -> str:
        return f"<DescriptionApi [{len(self._asked)} asked]>"
