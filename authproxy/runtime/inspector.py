"""The inspector of a running proxy: whether it records, and what it gets to know.

Its parts are imported only when it records: a start without it must not take longer.
"""

import os
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from authproxy.config.readers.egress_proxy import find_egress_for_tokens
from authproxy.errors import Code, Refused
from authproxy.identity.machine import Machine
from authproxy.policy.messages.headers import token_line
from authproxy.runtime.admin import AdminPlace, ProxyInside, is_unattended
from authproxy.settings import ListenerSettings, ServiceSettings, Settings
from authproxy.tasks import Tasks

if TYPE_CHECKING:
    from authproxy.admin.views import View
    from authproxy.inspector.assembly import Recording
    from authproxy.inspector.reflection import ReflectionTarget
    from authproxy.inspector.replay import ReplayListener

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- compared with, not bound to


def find_recording(
    settings: Settings,
    place: AdminPlace | None,
    *,
    unattended: bool | None = None,
    is_told: bool = False,
) -> "Recording | None":
    """None where nothing is to be recorded, or nobody could look at it. `is_told`: other processes
    tell what is to be recorded, without content.

    `unattended`: this is a container, or a machine that works by itself; found out without it.
    """
    if unattended is None:
        unattended = is_unattended(os.environ)
    wanted = settings.inspect.record
    is_for_person = place is not None and place.shows_key and not unattended
    if place is None or wanted == "off" or (wanted == "auto" and not is_for_person):
        return None
    from authproxy.inspector.assembly import build_recording

    services = settings.services.items()
    found = build_recording(
        memory=settings.inspect.memory,
        body_bytes=settings.inspect.body_bytes,
        with_content=[name for name, each in services if each.record_bodies and not is_told],
        secret_names=settings.inspect.secret_names,
    )
    return replace(found, observers=()) if is_told else found


def inspector_views(
    recording: "Recording | None", inside: ProxyInside, tasks: Tasks
) -> "list[View]":
    """For the admin listener. Without a recording: the page, services and settings."""
    from authproxy.commands.settings_shown import as_json
    from authproxy.inspector.page_views import page_views
    from authproxy.inspector.proxy_state import ProxyState
    from authproxy.inspector.service_api import ServiceApi

    settings, machine = inside.settings, inside.machine
    around = ProxyState(
        services=lambda: [_service(each, inside.settings, inside) for each in inside.upstreams],
        configuration=lambda: as_json(inside.settings, [], [], machine.environ),
        examine=lambda: _examine(inside.settings, machine),
        doors=lambda: [door for each in inside.opened if (door := find_door(*each)) is not None],
        refresh=inside.refresh,
        key_header=settings.key_header.lower() if settings.keys else "",
    )
    views = [*page_views(), *ServiceApi(around, recording).views()]
    if recording is None:
        return views
    from authproxy.inspector.api import Inspector
    from authproxy.inspector.describing import DescriptionApi
    from authproxy.inspector.replay import Replayer

    note_replays = recording.store.note_replays
    replayer = Replayer(
        around.doors, recording.replays, note_replays, tasks, refresh=inside.refresh
    )
    views += DescriptionApi(recording, lambda name: _reach(name, inside)).views()
    return [*views, *Inspector(recording, around, replayer).views()]


async def _reach(name: str, inside: ProxyInside) -> "ReflectionTarget":
    """Raises AuthProxyError."""
    from authproxy.inspector.reflection import ReflectionTarget

    upstream = inside.upstreams.get(name)
    if upstream is None:
        raise Refused(f"There is no service {name} any more.", code=Code.NO_ROUTE, hint="")
    if upstream.found is not None:
        await upstream.found()
    rules = upstream.rules
    token = await upstream.own_tokens.get()
    lines = rules.extra + token_line(rules, token, has_authorization=False)
    fields = (line.partition(b":") for line in lines.split(b"\r\n") if line)
    return ReflectionTarget(
        connector=upstream.connector,
        headers=[
            (name.decode("latin-1").lower(), value.strip().decode("latin-1"))
            for name, _, value in fields
        ],
    )


async def _examine(settings: Settings, machine: Machine) -> str:
    from authproxy.commands.doctor.clock import check_clock
    from authproxy.commands.doctor.rendering import as_json
    from authproxy.commands.doctor.runner import examine
    from authproxy.commands.doctor.subject import subjects_of

    egress = find_egress_for_tokens(settings, machine.environ)
    subjects = subjects_of(settings, settings.services, machine)
    return as_json(await examine(subjects, partial(check_clock, egress)))


def _service(name: str, settings: Settings, inside: ProxyInside) -> dict[str, object]:
    service: ServiceSettings = settings.services[name]
    upstream = inside.upstreams[name]
    return {
        "name": name,
        "address": service.address if upstream.found is not None else str(upstream.origin),
        "audience": service.token_audience,
        "credentials": str(service.credentials.kind),
        "impersonate": service.impersonate or "",
        "record_bodies": service.record_bodies,
        "tokens": [
            {
                "source": each.source,
                "audience": each.audience,
                "principal": each.principal,
                "state": str(each.state),
                "obtained_at": each.obtained_at,
                "stale_at": _finite(each.stale_at),
                "expires_at": _finite(each.expires_at),
                "trouble": None
                if each.trouble is None
                else {"message": each.trouble.message, "hint": each.trouble.hint},
            }
            for each in upstream.statuses()
        ],
    }


def _finite(moment: float | None) -> float | None:
    """JSON has no infinity."""
    return None if moment is None or moment == float("inf") else moment


def find_door(url: str, listener: ListenerSettings) -> "ReplayListener | None":
    """How we get in by this listener; None where we do not: it wants the PROXY protocol first."""
    if listener.proxy_protocol:
        return None
    from authproxy.inspector.replay import ReplayListener

    if url.startswith("unix:"):
        return ReplayListener(path=url.removeprefix("unix:"), service=listener.service)
    parts = urlsplit(url)
    host = parts.hostname or ""
    return ReplayListener(
        host=_EVERYWHERE.get(host, host),
        port=parts.port or 0,
        tls=parts.scheme == "https",
        service=listener.service,
    )
