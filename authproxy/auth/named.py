"""Hosts that get a token, and the field of a request that carries it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from authproxy.exchange import NO_TOKEN, Token
from authproxy.settings import ServiceSettings
from authproxy.values import Origin

AUTHORIZATION = "Authorization"
SERVERLESS = "X-Serverless-Authorization"
"""Cloud Run looks at this one first, and leaves the other to the application."""

_PORTS = {"https": 443, "http": 80}
_SECURE = {"wss": "https", "ws": "http"}

Place = tuple[str, str, int]
"""Scheme, host in lower case, port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A service whose host may have a token."""

    name: str
    origin: Origin
    header: str
    """`auto`, or the field's name."""

    def field_name(self, *, has_authorization: bool) -> str:
        """`has_authorization`: the request brings one of its own, which is the application's."""
        if self.header != "auto":
            return self.header
        return SERVERLESS if has_authorization else AUTHORIZATION


def place_of(scheme: str, host: str | None, port: int | None) -> Place | None:
    """As the HTTP libraries take a URL apart; None for what is not HTTP."""
    scheme = _SECURE.get(scheme.lower(), scheme.lower())
    if scheme not in _PORTS or not host:
        return None
    host = host.lower().strip("[]")
    return scheme, host, _PORTS[scheme] if port is None else port


def named_places(services: Mapping[str, ServiceSettings]) -> dict[Place, Named]:
    """Every address of every service. Of two services at one address the first one counts."""
    found: dict[Place, Named] = {}
    for name, service in services.items():
        for origin in (service.url, *service.other_urls):
            named = Named(name=name, origin=origin, header=service.header_for_token)
            found.setdefault((origin.scheme, origin.host, origin.port), named)
    return found


def bearer(token: Token) -> str | None:
    """The field's value; None when no token is to be sent."""
    return None if token is NO_TOKEN else f"Bearer {token.value.reveal()}"
