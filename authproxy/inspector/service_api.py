"""Services, settings and the doctor as JSON; without a recording too, as in containers."""

import time

from aiohttp import web

from authproxy.admin.status_report import MANY
from authproxy.admin.views import View, as_json
from authproxy.inspector.assembly import Recording
from authproxy.inspector.proxy_state import ProxyState
from authproxy.inspector.views.detail import detail
from authproxy.inspector.views.rows import row


class ServiceApi:
    """Answers what is asked about services and settings."""

    def __init__(self, around: ProxyState, recording: Recording | None) -> None:
        self._around = around
        self._recording = recording

    def views(self) -> list[View]:
        """For the admin listener."""
        return [
            View(path="/api/services", handler=self._services),
            View(path="/api/config", handler=self._configuration),
            View(path="/api/doctor", handler=self._examine, method="POST", streams=True),
        ]

    async def _services(self, _request: web.Request) -> web.StreamResponse:
        now = time.monotonic()
        found = [self._service(dict(each), now) for each in self._around.services()]
        return as_json({"services": found}, is_long=len(found) > MANY)

    def _service(self, found: dict[str, object], now: float) -> dict[str, object]:
        if self._recording is None:
            return {**found, "last_15_min": None, "errors": []}
        name = str(found["name"])
        rates = self._recording.rates
        numbers = rates.failures(name)
        failed = self._recording.store.find_all(numbers)
        errors = [
            {**row(record), "hint": detail(record)["hint"], "detail": record.facts.detail}
            for number in numbers
            if (record := failed.get(number)) is not None
        ]
        return {**found, "last_15_min": rates.shown(name, now), "errors": errors}

    async def _configuration(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(text=self._around.configuration(), content_type="application/json")

    async def _examine(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(text=await self._around.examine(), content_type="application/json")

    def __repr__(self) -> str:
        return f"<ServiceApi of {self._recording and self._recording.store}>"
