"""An authproxy for one client, which the same command starts: a bridge, or the program of `exec`.

What guards against other clients falls away, and others cannot reach it: whoever starts it chooses
listeners that nobody else can use.
"""

from collections.abc import Mapping
from typing import Any

from authproxy.exchange import Observer
from authproxy.identity.machine import Machine
from authproxy.observe.stream import open_stream
from authproxy.runtime.process.counters import limits_of_one_process
from authproxy.runtime.proxy import Proxy
from authproxy.settings import ListenerSettings, ServiceSettings, Settings
from authproxy.values import LOOPBACK, Listen

_OF_OTHERS: Mapping[str, Any] = {"allow": (), "allow_file": None, "deny": (), "deny_file": None}
"""Which clients may use a service."""

_NO_LIMITS = {"connections": 0, "connections_per_client": 0, "requests_per_second": 0}
"""Of clients, of which there is one."""


def for_one_client(
    settings: Settings,
    services: Mapping[str, ServiceSettings],
    *,
    listen: tuple[Listen, ...] = (),
    listeners: Mapping[str, ListenerSettings] | None = None,
) -> Settings:
    """The settings for these of its services, and these listeners alone."""
    return settings.model_copy(
        update={
            "services": {
                name: service.model_copy(update=_OF_OTHERS) for name, service in services.items()
            },
            "listen": listen,
            "listeners": dict(listeners or {}),
            **_OF_OTHERS,
            "allow": LOOPBACK,
            "trusted_proxies": (),
            "keys": {},
            "health_path": None,
            "limits": settings.limits.model_copy(update=_NO_LIMITS),
            "tls_cert_file": None,
            "tls_key_file": None,
        }
    )


def build_proxy(settings: Settings, observers: list[Observer], machine: Machine) -> Proxy:
    """To be entered. Where it listens is nobody else's business: it says nothing of that."""
    limits = limits_of_one_process(settings.limits)
    return Proxy(settings, open_stream(None), observers, machine, limits)
