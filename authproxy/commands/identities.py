"""Identity whose token a service gets, in words, by the settings."""

from authproxy.config.readers.egress_proxy import find_egress_for_tokens
from authproxy.identity.machine import Machine
from authproxy.identity.source import Source
from authproxy.identity.sources.build import build_source
from authproxy.settings import ServiceSettings, Settings
from authproxy.values import CLOUD_PLATFORM


def api_source_of(service: ServiceSettings, settings: Settings, machine: Machine) -> Source:
    """As `source_of`, but makes access tokens: who looks services and secrets up."""
    return source_of(
        service.model_copy(update={"token": "access", "scopes": (CLOUD_PLATFORM,)}),
        settings,
        machine,
    )


def source_of(service: ServiceSettings, settings: Settings, machine: Machine) -> Source:
    """Nothing is read or asked yet, save a proxy's password. Raises StartError."""
    return build_source(
        service.credentials,
        impersonate=service.impersonate,
        delegates=service.delegates,
        machine=machine,
        scopes=service.token_scopes,
        egress=find_egress_for_tokens(settings, machine.environ),
    )
