"""`authproxy check`: what would run, in words. Never a secret: settings hold references only."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from authproxy.commands.settings_shown import changed, shown
from authproxy.config.files.reading import is_stream
from authproxy.config.readers.egress_proxy import find_egress
from authproxy.errors import ConfigError, CredentialError, Problem
from authproxy.policy.access.cross_site import is_told_site
from authproxy.settings import KeySettings, ListenerSettings, ServiceSettings, Settings
from authproxy.values.path_rules import asked_path

if TYPE_CHECKING:
    from authproxy.identity.sources.locations import Location

_TOP = ("listen", "tls_cert_file", "tls_key_file", "hosts", "allow", "deny", "egress_proxy")
_TABLES = ("log", "traces", "inspect", "limits", "timeouts")
_SECTIONS = ("services", "listeners", "keys", *_TABLES)
_SERVICE = (
    *("url", "service", "hosts", "audience", "tag", "token", "scopes", "credentials"),
    *("impersonate", "delegates", "token_header", "api_key", "api_key_header", "secret_headers"),
    *("allow", "deny", "ca_file", "client_cert_file", "client_key_file", "tls_min_version"),
    *("egress_proxy", "path", "strip_path", "paths", "deny_paths"),
)
"""What has a line that is written by hand, in this order."""

UNTOLD = """\
Web pages: over plain http to {names} browsers do not say which page asks. A page
of another site is refused if it sends a Referer; one that sends none can make GET requests with
your identity. Use localhost or https (tls_cert_file), or ask for keys."""


def look_at_credentials(settings: Settings, environ: Mapping[str, str]) -> None:
    """Read each credentials file as the doctor does. Raises ConfigError."""
    problems: dict[str, Problem] = {}
    for name, service in settings.services.items():
        place = _find_file(service, environ)
        if place is None or place.path is None or str(place.path) in problems:
            continue
        from authproxy.identity.sources.inspection import describe_file, require_token

        try:
            if service.credentials.kind == "token-file":
                require_token(place.path)
            else:
                describe_file(place.path, place.name)
        except CredentialError as error:
            message = ". ".join(filter(None, (str(error), error.hint)))
            key = f"services.{name}.credentials"
            problems[str(place.path)] = Problem(where=str(place.path), key=key, message=message)
    if problems:
        raise ConfigError([*problems.values()])


def _find_file(service: ServiceSettings, environ: Mapping[str, str]) -> "Location | None":
    """The file that tokens are made from. Nothing is asked over the network."""
    if service.credentials.kind not in ("auto", "adc", "file", "token-file"):
        return None
    from authproxy.identity.sources.inspection import find_place
    from authproxy.identity.sources.locations import find_adc_place

    try:
        is_file = service.credentials.kind in ("file", "token-file")
        place = find_place(service.credentials, environ) if is_file else find_adc_place(environ)
        usable = place.path is not None and not is_stream(place.path)
    except OSError:
        return None  # a home that may not be read: what runs looks elsewhere
    return place if usable else None


def summary(settings: Settings, environ: Mapping[str, str]) -> str:
    """A line for each thing that a reader may want to check against what was meant."""
    lines = ["The configuration is good.", ""]
    lines += [_line("listen", listen) for listen in settings.listen]
    lines += _lines({"tls cert": settings.tls_cert_file, "tls key": settings.tls_key_file})
    lines.append(_line("hosts", _join(["localhost", "*.localhost", *settings.hosts])))
    if settings.allow_file is None or "allow" in settings.model_fields_set:
        lines.append(_line("allow", _join(settings.allow)))
    if settings.deny:
        lines.append(_line("deny", _join(settings.deny)))
    lines += _lines(changed(settings, besides=(*_TOP, *_SECTIONS)))
    for name, listener in settings.listeners.items():
        lines += ["", *_listener(name, listener)]
    for name, key in settings.keys.items():
        lines += ["", f"key {name}", *_lines(_key(key))]
    for name, service in settings.services.items():
        proxy = find_egress(service, settings, environ)
        way_out = (
            f"{proxy} (named by {proxy.source})" if proxy else _without_proxy(service, settings)
        )
        lines += ["", *_service(name, service), *_lines({"egress proxy": way_out})]
    for section in _TABLES:
        values = changed(getattr(settings, section))
        lines += ["", section, *_lines(values)] if values else []
    names = _untold(settings)
    if names:
        lines += ["", UNTOLD.format(names=", ".join(names))]
    return "\n".join(lines)


def _untold(settings: Settings) -> list[str]:
    """Names under which browsers do not say which page asks, and nothing else tells."""
    if settings.tls_cert_file is not None or settings.keys:
        return []
    named = [*settings.hosts, *(h for each in settings.services.values() for h in each.hosts)]
    found = [name for name in dict.fromkeys(named) if not is_told_site(b"http", name)]
    if not all(each.listen.is_loopback for each in settings.every_listener):
        found.append("this machine's addresses")
    return found


def _without_proxy(service: ServiceSettings, settings: Settings) -> str:
    """Worth a word where somebody wrote it; what NO_PROXY and this machine do without is usual."""
    own = service.egress_proxy or settings.egress_proxy
    return "none" if own.kind == "none" else ""


def _listener(name: str, listener: ListenerSettings) -> Iterator[str]:
    yield f"listener {name}"
    yield _line("listen", listener.listen)
    yield from _lines(changed(listener, besides=("listen",)))


def _key(key: KeySettings) -> Mapping[str, object]:
    count = len(key.sha256)
    return {
        "sha256": f"{count} key{'s' if count > 1 else ''}" if count else None,
        "file": key.file,
        "services": _join(key.services) or "all",
        "impersonate": key.impersonate,
        "methods": _join(key.methods),
        "paths": _join(key.paths),
    }


def _service(name: str, service: ServiceSettings) -> list[str]:
    by_itself = service.is_nowhere and service.audience is None
    lines: dict[str, object] = {
        "hosts": _join([f"{name}.localhost", *service.hosts]),
        "audience": "its address, once it is looked up" if by_itself else service.token_audience,
        "tag": service.tag,
        "access token for": _join(service.token_scopes),
        "credentials": shown(service.credentials),
        "impersonate": service.impersonate,
        "delegates": _join(service.delegates),
        "token header": service.header_for_token,
        **{header: f"from {ref}" for header, ref in service.secrets},
        "allow": _join(service.allow),
        "deny": _join(service.deny),
        "ca file": service.ca_file,
        "client cert": service.client_cert_file,
        "client key": service.client_key_file,
        "tls from": service.tls_min_version if service.tls_min_version != "1.2" else None,
        "path": f"{service.path}{_AS_SEEN[service.strip_path]}" if service.path else None,
        "paths": _paths(name, service, service.paths),
        "deny paths": _paths(name, service, service.deny_paths),
        **changed(service, besides=_SERVICE),
    }
    head = f"{name} -> {service.address}"
    return [head, *_lines(lines)]


_AS_SEEN = {True: ", which the service does not see", False: ", which the service sees"}


def _paths(name: str, service: ServiceSettings, rules: Iterable[str]) -> str:
    """As the service gets them, and as clients ask for them where that is not the same."""
    strips = service.strip_path and service.path not in (None, "/")
    return _join(
        f"{rule} (asked for as {asked_path(rule, service.path, strips=True)}, or {rule} at"
        f" {name}.localhost)"
        if strips
        else rule
        for rule in rules
    )


def _lines(values: Mapping[str, object]) -> Sequence[str]:
    return [_line(key, value) for key, value in values.items() if value]


def _join(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))


def _line(key: str, value: object) -> str:
    return f"  {key:<13} {value}"
