"""A plan as a Caddyfile for Caddy 2.11.2 or newer.

Names and paths are read off the request as it came, by expressions: Caddy's own matchers clean a
path first. The authorizer is asked by `forward_auth`; where its answer is about another service
than the one that was chosen, nothing is passed on.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from authproxy.export.plan import FOR_US_TO_SAY, ExportPlan, Lists, ServicePlan
from authproxy.export.texts import literal, milliseconds
from authproxy.values import Network
from authproxy.values.hosts import bracketed

_SERVICE = "X-Authproxy-Service"
_TOLD = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto")
"""What Caddy writes itself on the way to a service; the authorizer's words are put in its place."""


def write_caddy(plan: ExportPlan) -> str:
    """The whole file."""
    lines = [
        *block("", _options(plan)),
        "",
        *block("(authproxy)", block("route", _route(plan))),
        "",
        *_sites(plan),
    ]
    return "\n".join(lines) + "\n"


def handle(matcher: str, lines: Iterable[str]) -> list[str]:
    """What is done for what `matcher` fits, in this order: Caddy would sort it otherwise."""
    return block(f"handle {matcher}".strip(), block("route", lines))


def block(head: str, lines: Iterable[str]) -> list[str]:
    """A block with its lines indented, as `caddy fmt` has it."""
    inner = [f"\t{line}" if line else "" for line in lines]
    return [f"{head} {{".strip(), *inner, "}"]


def word(text: str) -> str:
    """One word, whatever is in it but braces, which no quotes take their meaning.

    Raises ValueError for what no quotes can hold.
    """
    if "`" not in text:
        return f"`{text}`"
    if "\\" in text:
        raise ValueError("a Caddyfile cannot have ` and \\ in one word")
    return '"' + text.replace('"', '\\"') + '"'


def _options(plan: ExportPlan) -> Iterator[str]:
    times = [
        f"read_header {milliseconds(plan.timeouts.head)}",
        f"idle {milliseconds(plan.timeouts.keep_alive)}",
    ]
    servers = [*block("timeouts", times), "protocols h1 h2"]
    if plan.trusted:
        servers += [f"trusted_proxies static {_ranges(plan.trusted)}", "trusted_proxies_strict"]
        servers.append("client_ip_headers X-Forwarded-For")
    yield "auto_https off"
    yield from block("servers", servers)


def _sites(plan: ExportPlan) -> Iterator[str]:
    by_port: dict[int, list[str]] = {}
    for host, port in plan.addresses:
        by_port.setdefault(port, []).append(bracketed(host))
    for port, hosts in by_port.items():
        lines = [f"bind {' '.join(hosts)}"]
        if plan.cert_file is not None:
            lines.append(f"tls {word(str(plan.cert_file))} {word(str(plan.key_file))}")
        yield from block(f"{plan.scheme}://:{port}", [*lines, "import authproxy"])


def _route(plan: ExportPlan) -> Iterator[str]:
    if plan.trusted:
        yield "# Of proxies in front, X-Forwarded-For alone counts here."
        yield from block("@unread", [f"remote_ip {_ranges(plan.trusted)}", "header Forwarded *"])
        yield "respond @unread 403"
    yield from _refusals("", plan.lists)
    if plan.body_bytes:
        yield from block("request_body", [f"max_size {plan.body_bytes}"])
    yield "# Said once more here: of proxies in front Caddy would believe theirs."
    yield "vars authproxy_host {http.request.hostport}"
    yield "# What clients say in the authorizer's name; and of an Upgrade, WebSockets alone pass."
    for name in sorted({_SERVICE, *_TOLD_AS.values(), *_copied_anywhere(plan)} - {"Authorization"}):
        yield f"request_header -{name}"
    yield "@no_websocket not header_regexp Upgrade (?i)^websocket$"
    yield "request_header @no_websocket -Upgrade"
    yield "# Caddy takes away what Connection names: a field that the authorizer has put on, too."
    yield f"@names_ours header_regexp Connection {word(_connection(plan))}"
    yield "respond @names_ours 400"
    yield ""
    for service in plan.services:
        hosts = _host_pattern(service.hosts)
        yield f"@host_{service.name} vars_regexp {{http.request.hostport}} {word(hosts)}"
        yield from handle(f"@host_{service.name}", _to_service(plan, service, "/"))
    shared = _host_pattern(("localhost", *plan.shared_hosts), *_LOOPBACK)
    yield f"@shared vars_regexp {{http.request.hostport}} {word(shared)}"
    yield from handle("@shared", _by_path(plan))
    yield from handle("", _nowhere(plan))


_TOLD_AS = {name: f"X-Authproxy-Told-{name.rpartition('-')[2]}" for name in _TOLD}
_LOOPBACK = (r"[a-z0-9._-]+\.localhost", r"127\.\d+\.\d+\.\d+", r"\[::1\]")


def _host_pattern(hosts: Iterable[str], *patterns: str) -> str:
    names = (literal(bracketed(each)) for each in dict.fromkeys(hosts))
    return rf"(?i)^(?:{'|'.join(chain(names, patterns))})\.?(?::\d*)?$"


def _copied_anywhere(plan: ExportPlan) -> set[str]:
    return {name for each in plan.services for name in _copied(each)}


def _copied(service: ServicePlan) -> list[str]:
    """Fields of the answer's under their own names."""
    told = {name.lower() for name in _TOLD}
    every = (*service.token_fields, *service.put_on)
    return [name for name in every if name.lower() not in told]


def _connection(plan: ExportPlan) -> str:
    ours = {_SERVICE, *_TOLD_AS.values(), *_TOLD, *_copied_anywhere(plan), "X-Forwarded-Method"}
    names = "|".join(literal(each) for each in sorted({*ours, "X-Forwarded-Uri"}))
    return rf"(?i)(?:^|[,\s])(?:{names})(?:$|[,\s])"


def _by_path(plan: ExportPlan) -> Iterator[str]:
    by_name = {each.name: each for each in plan.services}
    for path, name in plan.prefixes.items():
        lines = _to_service(plan, by_name[name], path)
        if path == "/":
            yield from handle("", lines)
            return
        begins = f"^{literal(path)}(?:[/?]|$)"
        yield f"@path_{name} vars_regexp {{http.request.uri}} {word(begins)}"
        yield from handle(f"@path_{name}", lines)
    yield from handle("", _nowhere(plan))


def _nowhere(plan: ExportPlan) -> Iterator[str]:
    """authproxy is asked, and has its own word for most of what comes here."""
    yield from block(f"forward_auth {_authorizer(plan)}", _question(plan, []))
    yield "respond 421"


def _authorizer(plan: ExportPlan) -> str:
    asked = plan.authorizer
    return f"{bracketed(asked.host)}:{asked.port}"


def _question(plan: ExportPlan, copied: Sequence[str]) -> Iterator[str]:
    yield "uri /"
    yield "header_up -Content-Length"
    yield "header_up -Forwarded"
    yield "header_up X-Forwarded-Host {http.vars.authproxy_host}"
    yield f"header_up X-Forwarded-Proto {plan.scheme}"
    if copied:
        yield f"copy_headers {' '.join(copied)}"
    answers = ["dial_timeout 2s", f"response_header_timeout {milliseconds(plan.question_s)}"]
    yield from block("transport http", answers)


def _refusals(name: str, lists: Lists) -> Iterator[str]:
    at = f"_{name}" if name else ""
    if lists.deny:
        yield f"@denied{at} client_ip {_ranges(lists.deny)}"
        yield f"respond @denied{at} 403"
    if lists.allow is not None:
        yield f"@not_allowed{at} not client_ip {_ranges(lists.allow)}"
        yield f"respond @not_allowed{at} 403"


def _ranges(networks: Sequence[Network]) -> str:
    return " ".join(dict.fromkeys(map(str, networks)))


def _to_service(plan: ExportPlan, service: ServicePlan, path: str) -> Iterator[str]:
    own = "by_path" if path != "/" else "by_name"
    yield from _refusals(f"{service.name}_{own}", service.lists)
    told = [f"{name}>{as_}" for name, as_ in _TOLD_AS.items()]
    copied = [*_copied(service), *told, _SERVICE]
    yield from block(f"forward_auth {_authorizer(plan)}", _question(plan, copied))
    yield f"@other_{service.name}_{own} not header {_SERVICE} {service.name}"
    yield f"respond @other_{service.name}_{own} 500"
    if service.strips and path != "/":
        yield f"uri strip_prefix {word(path)}"
    yield from block(f"reverse_proxy {service.url.root}", _proxy(plan, service))


def _proxy(plan: ExportPlan, service: ServicePlan) -> Iterator[str]:
    yield f"header_up Host {service.url.authority}"
    for name, as_ in _TOLD_AS.items():
        yield f"header_up {name} {{http.request.header.{as_}}}"
        yield f"header_up -{as_}"
    yield f"header_up -{_SERVICE}"
    yield "# What clients must not say to the service, in all its spellings."
    yield from (f"header_up {word(f'-{name}')}" for name in service.taken_away)
    yield from (f"header_down -{name}" for name in FOR_US_TO_SAY)
    yield "flush_interval -1"
    yield from block("transport http", _transport(plan, service))


def _transport(plan: ExportPlan, service: ServicePlan) -> Iterator[str]:
    times = service.timeouts
    yield f"dial_timeout {milliseconds(times.connect)}"
    yield f"response_header_timeout {milliseconds(times.first_byte)}"
    yield f"read_timeout {milliseconds(times.stream_idle)}"
    yield f"write_timeout {milliseconds(times.stream_idle)}"
    yield f"keepalive {milliseconds(times.service_keep_alive)}"
    yield "compression off"
    if plan.connections_per_service is not None:
        yield f"max_conns_per_host {plan.connections_per_service}"
    if service.url.scheme == "https":
        yield "tls"
        yield f"tls_server_name {service.url.host}"
        if service.ca_file is not None:
            yield f"tls_trust_pool file {word(str(service.ca_file))}"
        if service.cert_file is not None:
            yield f"tls_client_auth {word(str(service.cert_file))} {word(str(service.key_file))}"
