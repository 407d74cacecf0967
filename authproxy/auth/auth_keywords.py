"""The settings of `ServiceAuth`: those of a service that say whose token it gets, and which."""

from collections.abc import Collection, Mapping, Sequence
from typing import TypedDict

from authproxy.config.loading import load_keywords
from authproxy.config.readers.keywords import Services
from authproxy.errors import ConfigError, Problem
from authproxy.settings import ServiceSettings, Settings

WHERE = "ServiceAuth()"


class TokenKeywords(TypedDict, total=False):
    """Named and written as in the configuration."""

    audience: str
    other_urls: str | Sequence[str]
    token_header: str
    token: str
    scopes: str | Sequence[str]
    credentials: str
    impersonate: str
    delegates: str | Sequence[str]
    egress_proxy: str
    timeouts: Mapping[str, float | str]


class NamedService(TokenKeywords, total=False):
    """Table of one of several services, with settings of its own."""

    url: str


HERE = frozenset(NamedService.__annotations__)
_ELSEWHERE = "has no effect here, but with authproxy.serve(): leave it out, or use that"


def read_keywords(
    services: Services,
    keywords: Mapping[str, object],
    environ: Mapping[str, str],
    *,
    where: str = WHERE,
    here: Collection[str] = HERE,
) -> Settings:
    """Raises ConfigError, also for settings that only a proxy has.

    `where`: what the program calls; `here`: the settings that have an effect there.
    """
    problems = [
        Problem(where=where, key=key, message=_ELSEWHERE)
        for key in _others(services, keywords, here)
    ]
    if problems:
        raise ConfigError(problems)
    return load_keywords(services, keywords, where=where, environ=environ)


def _others(services: Services, keywords: Mapping[str, object], here: Collection[str]) -> list[str]:
    known = {*Settings.model_fields, *ServiceSettings.model_fields} - set(here)
    found = [key for key in keywords if key in known - {"url", "service", "services"}]
    for name, about in services.items() if isinstance(services, Mapping) else ():
        if isinstance(about, Mapping):
            found += [f"services.{name}.{key}" for key in about if key in known]
    return found
