"""Choice of a service's egress proxy, by the settings and the environment.

The rules are curl's and urllib's where those agree. urllib's own functions are not used: they read
the process's environment only, know no CIDR ranges, and take 40 ms to import.
"""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network

from authproxy.config.files.secrets import resolve_secret
from authproxy.errors import StartError
from authproxy.settings import ServiceSettings, Settings
from authproxy.values import EgressProxy, EgressSpec, Origin, SecretRef, parse_egress_url

SETTING = "egress_proxy"

AUTO = EgressSpec("auto")


class EgressError(StartError):
    """`key` names the variable or setting that is wrong; the value is never repeated."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def find_egress(
    service: ServiceSettings, settings: Settings, environ: Mapping[str, str]
) -> EgressProxy | None:
    """The proxy for `service`; its own setting counts whatever NO_PROXY says.

    Raises EgressError for one that cannot be used, StartError for one that cannot be read.
    """
    if service.egress_proxy is not None and service.egress_proxy != AUTO:
        return _named(service.egress_proxy, environ)
    spec = AUTO if service.egress_proxy == AUTO else settings.egress_proxy
    if spec.kind == "none" or is_direct(service.url, environ):
        return None
    return _named(spec, environ) or _from_environment(service.url.scheme, environ)


def find_egress_for_tokens(
    settings: Settings, environ: Mapping[str, str]
) -> EgressProxy | EgressSpec:
    """The proxy to Google that the top-level setting names; else the setting, `auto` or `none`.

    Raises StartError.
    """
    return _named(settings.egress_proxy, environ) or settings.egress_proxy


def is_direct(origin: Origin, environ: Mapping[str, str]) -> bool:
    """This machine itself, or what NO_PROXY names: `*`, hosts, domains, addresses and ranges."""
    listed = _first(("no_proxy", "NO_PROXY"), environ)[1]
    return origin.is_loopback or any(
        _covers(entry.strip().lower(), origin) for entry in listed.replace(" ", ",").split(",")
    )


def _covers(entry: str, origin: Origin) -> bool:
    if not entry:
        return False
    if entry == "*":
        return True
    if ":" in origin.host or origin.host.replace(".", "").isdecimal():
        return _covers_address(entry, origin)
    name, _, port = entry.partition(":")
    if port and port != str(origin.port):
        return False
    # "example.com", ".example.com" and "*.example.com" are the domain and all that is in it.
    name = name.removeprefix("*").removeprefix(".").removesuffix(".")
    return bool(name) and (origin.host == name or origin.host.endswith(f".{name}"))


def _covers_address(entry: str, origin: Origin) -> bool:
    host, port = entry, ""
    if entry.startswith("["):
        host, _, port = entry[1:].partition("]")
    elif entry.count(":") == 1:
        host, _, port = entry.partition(":")
    if port.removeprefix(":") not in ("", str(origin.port)):
        return False
    try:
        return ip_address(origin.host) in ip_network(host, strict=False)
    except ValueError:
        return False


def _named(spec: EgressSpec, environ: Mapping[str, str]) -> EgressProxy | None:
    """The proxy that a setting names; None for `auto` and `none`."""
    text = spec.value
    if spec.kind == "env" or spec.kind == "file":
        text = resolve_secret(SecretRef(spec.kind, spec.value), environ).reveal()
    elif spec.kind != "url":
        return None
    try:
        return parse_egress_url(text, source=SETTING if spec.kind == "url" else str(spec))
    except ValueError as error:
        raise EgressError(SETTING, f"{spec}: {error}") from None


def _from_environment(scheme: str, environ: Mapping[str, str]) -> EgressProxy | None:
    for pair in _variables(scheme, environ):
        name, value = _first(pair, environ)
        if value:
            try:
                return parse_egress_url(value, source=name)
            except ValueError as error:
                raise EgressError(name, f'{error}; or set egress_proxy = "none"') from None
    return None


def _variables(scheme: str, environ: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    if scheme == "https":
        yield "https_proxy", "HTTPS_PROXY"
    elif "REQUEST_METHOD" in environ:
        # In a CGI program HTTP_PROXY is the client's header `Proxy` (CVE-2016-5385, "httpoxy").
        yield ("http_proxy",)
    else:
        yield "http_proxy", "HTTP_PROXY"
    yield "all_proxy", "ALL_PROXY"


def _first(names: tuple[str, ...], environ: Mapping[str, str]) -> tuple[str, str]:
    """The first of the variables that is set, if only to nothing."""
    return next(((name, environ[name].strip()) for name in names if name in environ), ("", ""))
