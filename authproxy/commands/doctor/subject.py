"""One service under examination: its settings, and what the checks have found out so far."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from authproxy.commands.doctor.http_probe import Answer
from authproxy.exchange import Token
from authproxy.identity.machine import Machine
from authproxy.identity.sources.locations import Location
from authproxy.settings import ServiceSettings, Settings
from authproxy.values import PROBE_HOST
from authproxy.wire.upstream.connector import Connector, connector_for
from authproxy.wire.upstream.tls import service_context

NOWHERE = f"https://{PROBE_HOST}"
"""Stands for the service where none was named: what needs no service is examined all the same."""


@dataclass(kw_only=True, eq=False)
class Subject:
    """Each check reads what those before it have written."""

    name: str
    service: ServiceSettings
    settings: Settings
    machine: Machine
    account: str = ""
    """As whom it is asked, where keys act as an account; empty: as its own identity."""
    place: Location | None = None
    """Where tokens come from."""
    token: Token | None = None
    answer: Answer | None = None
    """To the request that was sent to try it out."""

    @property
    def is_somewhere(self) -> bool:
        """Whether there is a service to reach."""
        return str(self.service.url) != NOWHERE

    @property
    def title(self) -> str:
        return f"{self.name} as {self.account}" if self.account else self.name

    @property
    def asked(self) -> ServiceSettings:
        """Its settings as they are for tokens; addresses and secrets are its own identity's."""
        return self.service.acting_as(self.account)

    @property
    def environ(self) -> Mapping[str, str]:
        return self.machine.environ

    @property
    def audience(self) -> str:
        return self.service.token_audience

    @cached_property
    def connector(self) -> Connector:
        """Raises StartError."""
        return connector_for(self.service, self.settings, service_context, self.environ)


def subjects_of(settings: Settings, names: Iterable[str], machine: Machine) -> list[Subject]:
    """One for each service and each account that its keys act as."""
    return [
        Subject(
            name=name,
            service=settings.services[name],
            settings=settings,
            machine=machine,
            account=account,
        )
        for name in names
        for account in settings.accounts_at(name)
    ]
