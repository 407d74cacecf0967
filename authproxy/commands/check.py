"""`authproxy check`: what would run, in words. Never a secret: settings hold references only."""

from collections.abc import Iterable, Mapping

from authproxy.config import find_egress
from authproxy.policy.cross_site import is_told_site
from authproxy.policy.path_rules import asked_path, find_misfits
from authproxy.settings import ServiceSettings, Settings
from authproxy.values import CredentialsSpec

UNTOLD = """\
Web pages: over plain http to {names} browsers do not say which page asks. A page
of another site is refused if it sends a Referer; one that sends none can make GET requests with
your identity. Use localhost or https (tls_cert_file), or ask for keys."""


def summary(settings: Settings, environ: Mapping[str, str]) -> str:
    """A line for each thing that a reader may want to check against what was meant."""
    lines = ["The configuration is good.", ""]
    lines += [_line("listen", listen) for listen in settings.listen]
    lines += _lines({"tls cert": settings.tls_cert_file, "tls key": settings.tls_key_file})
    lines.append(_line("hosts", _join(["localhost", "*.localhost", *settings.hosts])))
    lines.append(_line("allow", _join(settings.allow)))
    if settings.deny:
        lines.append(_line("deny", _join(settings.deny)))
    for name, service in settings.services.items():
        proxy = find_egress(service, settings, environ)
        way_out = proxy and f"{proxy} (named by {proxy.source})"
        lines += ["", *_service(name, service), *_lines({"egress proxy": way_out})]
        lines += [_line("look again", sentence) for sentence in _misfits(service)]
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


def _service(name: str, service: ServiceSettings) -> list[str]:
    by_itself = service.is_nowhere and service.audience is None
    shown: dict[str, object] = {
        "hosts": _join([f"{name}.localhost", *service.hosts]),
        "audience": "its address, when that was looked up" if by_itself else service.token_audience,
        "tag": service.tag,
        "access token for": _join(service.token_scopes),
        "credentials": _shown(service.credentials),
        "impersonate": service.impersonate,
        "delegates": _join(service.delegates),
        "token header": service.header_for_token,
        **{header: f"from {ref}" for header, ref in service.secrets},
        "allow": _join(service.allow),
        "deny": _join(service.deny),
        "path": f"{service.path}{_AS_SEEN[service.strip_path]}" if service.path else None,
        "methods": _join(service.methods),
        "deny methods": _join(service.deny_methods),
        "paths": _paths(name, service, service.paths),
        "deny paths": _paths(name, service, service.deny_paths),
        "ca file": service.ca_file,
        "client cert": service.client_cert_file,
        "client key": service.client_key_file,
        "tls from": service.tls_min_version if service.tls_min_version != "1.2" else None,
    }
    head = f"{name} -> {service.address}"
    return [head, *_lines(shown)]


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


def _misfits(service: ServiceSettings) -> list[str]:
    """Rules that are about nothing, as far as that can be seen."""
    found = find_misfits(service.paths, service.deny_paths, service.path, strips=service.strip_path)
    denied = set(service.deny_methods)
    never = [method for method in service.methods if method in denied]
    return [*found, *(f"methods {each} fits nothing: deny_methods has it too." for each in never)]


def _lines(shown: Mapping[str, object]) -> list[str]:
    return [_line(key, value) for key, value in shown.items() if value]


def _shown(credentials: CredentialsSpec) -> str:
    """A command's arguments may hold what is nobody's business."""
    if credentials.kind != "command":
        return str(credentials)
    program, *arguments = credentials.value.split()
    return f"command:{program}{' …' if arguments else ''}"


def _join(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))


def _line(key: str, value: object) -> str:
    return f"  {key:<14}{value}"
