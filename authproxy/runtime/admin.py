"""The admin listener of a running proxy: whether there is one, and what it gets to know.

What it is made of is imported only when there is one.
"""

import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING

from authproxy import admin_file
from authproxy.config.files.secrets import resolve_secret
from authproxy.errors import CredentialError, StartError
from authproxy.identity.machine import Machine
from authproxy.identity.token_cache.supply import Supply
from authproxy.policy.access.networks import AddressSet
from authproxy.runtime.open_authorizer import OpenAuthorizer
from authproxy.runtime.open_sockets import ClientServer, OtherServers
from authproxy.settings import ListenerSettings, Settings
from authproxy.tasks import Tasks
from authproxy.values import Listen
from authproxy.wire.listening.sockets import listener_url, open_listener
from authproxy.wire.status import PoolStatus, ServerStatus
from authproxy.wire.upstream.upstream import Upstream

if TYPE_CHECKING:
    from authproxy.admin.inside import (
        ListenerState,
        Phase,
        RequestCounts,
        ServiceState,
    )
    from authproxy.admin.rates import Rates
    from authproxy.admin.views import View
    from authproxy.config.changes import ReloadAnswer
    from authproxy.observe.metrics.scrape import Scraper
    from authproxy.runtime.reload import Reloader

READY_FOR_S = 1.0
NEXT_PORTS = 20
"""Tried one after the other, when somebody has the usual one already."""
_CONTAINERS = (Path("/.dockerenv"), Path("/run/.containerenv"))
_UNATTENDED = ("CI", "K_SERVICE", "K_REVISION", "KUBERNETES_SERVICE_HOST", "container")
"""Variables that are set where nobody sits in front of it, or where 127.0.0.1 is another one's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminPlace:
    """Address of the admin listener, and what is shown of it."""

    listen: Listen
    takes_next: bool = False
    """When the port is taken, the next one does as well."""
    shows_key: bool = False
    """A person reads the ready line, and no log keeps it."""


def find_place(
    settings: Settings, *, at_terminal: bool, environ: Mapping[str, str] = os.environ
) -> AdminPlace | None:
    """None where no admin listener is wanted."""
    spec = settings.admin
    is_attended = at_terminal and not is_unattended(environ)
    if spec.kind == "off" or (spec.kind == "auto" and not is_attended):
        return None
    takes_next = spec.kind in ("auto", "near")
    return AdminPlace(listen=spec.listen, takes_next=takes_next, shows_key=at_terminal)


def is_unattended(environ: Mapping[str, str]) -> bool:
    """Whether this is a container, or a machine that works by itself."""
    return bool(why_unattended(environ))


def why_unattended(environ: Mapping[str, str]) -> str:
    """What tells so; nothing where it is neither."""
    variables = (f"{name} is set" for name in _UNATTENDED if environ.get(name))
    files = (f"there is {each}" for each in _CONTAINERS if each.exists())
    return next(chain(variables, files), "")


def why_none(settings: Settings, environ: Mapping[str, str]) -> str:
    """Why a person at a terminal has no admin listener; nothing where that was asked for."""
    why = why_unattended(environ) if settings.admin.kind == "auto" else ""
    return f"off in containers and CI ({why}); on with --admin 4040 --inspect" if why else ""


def open_sockets(place: AdminPlace) -> list[socket]:
    """Raises StartError."""
    port = place.listen.port or 0
    for number in range(port, port + NEXT_PORTS) if place.takes_next else ():
        with contextlib.suppress(StartError):
            return open_listener(Listen(place.listen.host, number))
    listen = Listen(place.listen.host, 0) if place.takes_next else place.listen
    try:
        return open_listener(listen)
    except StartError as error:
        hint = error.hint.replace("--listen", "--admin")
        raise StartError(f"the admin listener {error}", hint=hint) from error


class ProxyInside:
    """The running proxy, as `authproxy.admin` may see and steer it."""

    def __init__(
        self,
        settings: Settings,
        tasks: Tasks,
        machine: Machine,
        others: OtherServers | None = None,
    ) -> None:
        self.opened: Sequence[tuple[str, ListenerSettings]] = ()
        self.upstreams: Mapping[str, Upstream] = {}
        self.server_of_clients: ClientServer | None = None
        self.others = others
        """The same, where that are other processes."""
        self.is_open = False
        """All listeners are, and stay so until the end."""
        self.settings = settings
        self._tasks = tasks
        self.machine = machine
        self._ready: tuple[float, bool] = (-READY_FOR_S, False)
        self.count: Callable[[], Mapping[str, RequestCounts]] | None = None
        """Requests by service, where somebody counts them."""
        self.on_quit: Callable[[], None] = lambda: None
        """Ends it all, in good order."""
        self.is_leaving = False
        """The end is near: load balancers are to send their requests elsewhere."""
        self.reloader: Reloader | None = None
        self.authorizer = OpenAuthorizer()

    @property
    def phase(self) -> "Phase":
        server = self.server_of_clients
        if self.is_leaving or (server is not None and server.draining):
            return "draining"
        serves = self.is_open and (self.others is None or self.others.serves)
        return "serving" if serves else "starting"

    def listeners(self) -> "Sequence[ListenerState]":
        from authproxy.admin.inside import ListenerState

        return [ListenerState(url=url, service=each.service) for url, each in self.opened]

    def services(self) -> "Sequence[ServiceState]":
        from authproxy.admin.inside import ServiceState

        return [
            ServiceState(
                name=name,
                address=self.settings.services[name].address
                if upstream.found is not None
                else str(upstream.origin),
                tokens=upstream.statuses(),
            )
            for name, upstream in self.upstreams.items()
        ]

    def server(self) -> ServerStatus | None:
        if self.others is not None:
            pools = tuple(map(self._pool, self.upstreams))
            return replace(self.others.status(), pools=pools)
        return None if self.server_of_clients is None else self.server_of_clients.status()

    def pool(self, service: str) -> PoolStatus | None:
        """None when it was taken out."""
        return self._pool(service) if service in self.upstreams else None

    def _pool(self, service: str) -> PoolStatus:
        own = self.upstreams[service].pool.status()
        return own if self.others is None else self.others.pool(service, own)

    async def refresh(self) -> None:
        if self.others is not None:
            await self.others.refresh()

    def counts(self) -> "Mapping[str, RequestCounts] | None":
        return None if self.count is None else self.count()

    def retry(self, service: str) -> None:
        upstream = self.upstreams.get(service)
        if upstream is None:
            return  # it was taken out meanwhile
        for supply in upstream.supplies.values():
            statuses = supply.statuses()
            if not any(each.minting or each.next_try_at is not None for each in statuses):
                self._tasks.spawn(_try(supply), name=f"token for {service}")

    def is_ready(self) -> bool:
        """For `health_path`: everybody may ask, so the answer counts for a moment."""
        from authproxy.admin.readiness import health

        now = time.monotonic()
        if now - self._ready[0] >= READY_FOR_S:
            found = health(self.phase, self.services())
            for each in found.services:
                if not each.ready:
                    self.retry(each.name)
            self._ready = now, found.ready
        return self._ready[1] and self.phase == "serving"

    async def ask(self, service: str) -> str:
        from authproxy.commands.doctor.deep_check import find_fault

        upstream = self.upstreams.get(service)
        if upstream is None:
            return "The service was taken out of the configuration."
        return await find_fault(upstream, self.machine.skew.now())

    def quit(self) -> None:
        self.on_quit()

    @property
    def reload_problems(self) -> Sequence[str]:
        return () if self.reloader is None else self.reloader.problems

    async def reload(self) -> "ReloadAnswer":
        assert self.reloader is not None  # noqa: S101 -- for the type checker: it listens
        return await self.reloader.reload("POST /-/reload")

    async def preview(self) -> "ReloadAnswer":
        assert self.reloader is not None  # noqa: S101 -- for the type checker: it listens
        return await self.reloader.preview()


async def _try(supply: Supply) -> None:
    with contextlib.suppress(CredentialError):
        await supply.get()


def _keep_rates(inside: ProxyInside, tasks: Tasks) -> "Rates | None":
    """None where nobody counts requests."""
    from authproxy.admin.rates import Rates

    if inside.count is None:
        return None
    rates = Rates(inside.count)
    tasks.spawn(rates.keep_looking(), name="rates")
    return rates


async def open_admin(
    place: AdminPlace,
    inside: ProxyInside,
    tasks: Tasks,
    scraper: "Scraper",
    more: "Sequence[View]" = (),
) -> "tuple[Callable[[], Awaitable[None]], str]":
    """What closes the listener, and the address to open. `more`: what other parts offer.

    Raises StartError.
    """
    from authproxy.admin.admin_key import AdminKey
    from authproxy.admin.deep import DeepChecks
    from authproxy.admin.guard import AdminAccess
    from authproxy.admin.key_page import ticket_views
    from authproxy.admin.leaving import quit_views
    from authproxy.admin.listener import AdminListener
    from authproxy.admin.metrics_view import metrics_views
    from authproxy.admin.probes import probe_views
    from authproxy.admin.reloading import reload_views
    from authproxy.admin.status_report import front_view, report_views

    settings, environ = inside.settings, inside.machine.environ
    rates = _keep_rates(inside, tasks)
    ref = settings.admin_key
    key = AdminKey(resolve_secret(ref, environ) if ref is not None else None)
    views = [*probe_views(inside, DeepChecks(inside.ask, tasks)), *report_views(inside, rates)]
    views += [*metrics_views(scraper), *reload_views(inside, tasks), *ticket_views(key), *more]
    if settings.admin_quit:
        views += quit_views(inside)
    if all(view.path != "/" for view in views):
        views.append(front_view())
    access = AdminAccess(allow=AddressSet(settings.admin_allow), hosts=settings.hosts)
    listener = AdminListener(views, access, key)
    sockets = open_sockets(place)
    await listener.start(sockets)
    url = listener_url(place.listen, sockets[0])
    file = admin_file.write(admin_file.AdminFile(url=url, key=key.local), environ)

    async def close() -> None:
        if file is not None:
            file.unlink(missing_ok=True)
        await listener.close()

    shows_key = place.shows_key and place.listen.path is None
    return close, f"{url}/?key={key.key.reveal()}" if shows_key else url
