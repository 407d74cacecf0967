"""Whose token a service gets, by the settings."""

from collections.abc import Mapping

from authproxy.config import find_egress_for_tokens
from authproxy.identity.source import Source
from authproxy.identity.sources import build_source
from authproxy.settings import ServiceSettings, Settings


def source_of(service: ServiceSettings, settings: Settings, environ: Mapping[str, str]) -> Source:
    """Nothing is read or asked yet, save a proxy's password. Raises StartError."""
    return build_source(
        service.credentials,
        impersonate=service.impersonate,
        delegates=service.delegates,
        environ=environ,
        scopes=service.token_scopes,
        egress=find_egress_for_tokens(settings, environ),
    )
