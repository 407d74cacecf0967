"""A plan as a file for nginx 1.22 or newer.

Who is asked for, and by which path, is read off the request as it came, before nginx makes another
spelling of it, and each service has a location that nobody can ask for. There the authorizer is
asked; where its answer is about another service than the location's, nothing is passed on, so that
no service ever gets another's token. The target that is sent is the one that the authorizer was
asked about, or where the service is to get another one, the one in its answer.
"""

from collections.abc import Iterator, Sequence

from authproxy.errors import STATUS_OF
from authproxy.export.nginx_texts import (
    block,
    map_key,
    pattern,
    quote,
    variable,
)
from authproxy.export.plan import FOR_US_TO_SAY, ExportPlan, Lists, ServicePlan
from authproxy.export.texts import literal, milliseconds
from authproxy.values import Network
from authproxy.values.hosts import bracketed

_QUESTION = "/authproxy/question"
_NOWHERE = "/authproxy/nowhere"
_PASSED_ON = (401, 403)
"""What nginx passes on of the authorizer's refusals; all else it calls a 500."""
_ANSWERS = {
    "$authproxy_service": "x_authproxy_service",
    "$authproxy_target": "x_authproxy_target",
    "$authproxy_error": "x_authproxy_error",
    "$authproxy_retry_after": "retry_after",
    "$authproxy_status": "status",
}
_LOOPBACK = pattern(r"^127\.\d+\.\d+\.\d+$")
_SIZES = (
    "variables_hash_max_size 8192;",
    "variables_hash_bucket_size 256;",
    "map_hash_max_size 8192;",
    "map_hash_bucket_size 512;",
    "",
)
"""For long names and many of them; nginx does not start where its own are too small."""


def write_nginx(plan: ExportPlan) -> str:
    """The whole file."""
    http = [
        *_SIZES,
        *_maps(plan),
        *_lists(plan),
        *_upstreams(plan),
        *block("server", _server(plan)),
    ]
    lines = ["worker_processes auto;", "", *block("events", []), "", *block("http", http)]
    return "\n".join(lines) + "\n"


def _maps(plan: ExportPlan) -> Iterator[str]:
    yield "# A client's connection becomes a WebSocket, or nothing else."
    yield from block(
        "map $http_upgrade $authproxy_upgrade", ['default "";', "~*^websocket$ websocket;"]
    )
    yield from block("map $authproxy_upgrade $authproxy_connection", ['"" "";', "default upgrade;"])
    yield "# Who says to be whose client; authproxy believes trusted_proxies, and nobody else."
    yield from block(
        "map $http_x_forwarded_for $authproxy_chain",
        ['"" $realip_remote_addr;', 'default "$http_x_forwarded_for, $realip_remote_addr";'],
    )
    yield "# The service's name, by the name that was asked for, else by the path as it came."
    yield from block("map $host $authproxy_site", _sites(plan))
    yield from block("map $authproxy_site$request_uri $authproxy_route", _routes(plan))
    yield ""
    for service in plan.services:
        name = variable(service.name)
        yield "# Only with an answer that is about this very service."
        yield from block(
            f"map $authproxy_service $authproxy_to_{name}",
            ['default "";', f"{map_key(service.name)} authproxy_service_{name};"],
        )
    yield ""


def _sites(plan: ExportPlan) -> Iterator[str]:
    """A service, or `:shared`, which no service is called; nothing for names of others."""
    yield "hostnames;"
    yield 'default "";'
    own = {host: service.name for service in plan.services for host in service.hosts}
    shared = dict.fromkeys(("localhost", "*.localhost", *plan.shared_hosts), ":shared")
    for host, site in (shared | own).items():
        yield f"{map_key(bracketed(host))} {quote(site)};"
    yield f'{_LOOPBACK} ":shared";'
    if "::1" not in shared | own:
        yield '"[::1]" ":shared";'


def _routes(plan: ExportPlan) -> Iterator[str]:
    yield f"default {_NOWHERE};"
    for service in plan.services:
        yield f"{pattern(f'^{literal(service.name)}/')} {_location(service.name)};"
    for path, name in plan.prefixes.items():
        at = "" if path == "/" else f"{literal(path)}(?:[/?]|$)"
        yield f"{pattern(f'^:shared{at}')} {_location(name)};"


def _location(name: str) -> str:
    return f"/authproxy/to/{name}"


def _lists(plan: ExportPlan) -> Iterator[str]:
    yield "# Proxies in front, and who may ask for what."
    yield from block("geo $realip_remote_addr $authproxy_from_proxy", _ranges(plan.trusted))
    yield from block(
        "map $authproxy_from_proxy$http_forwarded $authproxy_unread", ["default 0;", "~^1. 1;"]
    )
    for name, lists in _named_lists(plan):
        if lists.allow is not None:
            yield from block(f"geo $authproxy_allowed_{name}", _ranges(lists.allow))
        if lists.deny:
            yield from block(f"geo $authproxy_denied_{name}", _ranges(lists.deny))
    yield "real_ip_header X-Forwarded-For;"
    yield "real_ip_recursive on;"
    yield from (f"set_real_ip_from {network};" for network in plan.trusted)
    yield ""


def _named_lists(plan: ExportPlan) -> Iterator[tuple[str, Lists]]:
    """No service's variable begins with `_`."""
    yield "_all", plan.lists
    yield from ((variable(each.name), each.lists) for each in plan.services)


def _ranges(networks: Sequence[Network]) -> Iterator[str]:
    yield "default 0;"
    yield from (f"{network} 1;" for network in dict.fromkeys(networks))


def _upstreams(plan: ExportPlan) -> Iterator[str]:
    asked = plan.authorizer
    place = f"server {bracketed(asked.host)}:{asked.port};"
    yield from block("upstream authproxy", [place, "keepalive 32;"])
    idle = milliseconds(plan.timeouts.service_keep_alive)
    for service in plan.services:
        lines = [
            f"server {bracketed(service.url.host)}:{service.url.port};",
            "keepalive 32;",
            f"keepalive_timeout {idle};",
        ]
        yield from block(f"upstream authproxy_service_{variable(service.name)}", lines)
    yield ""


def _server(plan: ExportPlan) -> Iterator[str]:
    tls = "" if plan.cert_file is None else " ssl"
    for host, port in plan.addresses:
        yield f"listen {bracketed(host)}:{port} default_server{tls};"
    yield "server_name _;"
    if plan.cert_file is not None:
        yield f"ssl_certificate {quote(str(plan.cert_file))};"
        yield f"ssl_certificate_key {quote(str(plan.key_file))};"
        yield "ssl_protocols TLSv1.2 TLSv1.3;"
    yield f"client_header_timeout {milliseconds(plan.timeouts.head)};"
    yield f"keepalive_timeout {milliseconds(plan.timeouts.keep_alive)};"
    yield f"client_max_body_size {plan.body_bytes};"
    yield from ("underscores_in_headers on;", "ignore_invalid_headers off;", "server_tokens off;")
    yield "large_client_header_buffers 4 32k;"
    yield from ("proxy_buffer_size 64k;", "proxy_buffers 4 64k;", "proxy_busy_buffers_size 128k;")
    yield from ("proxy_headers_hash_max_size 4096;", "proxy_headers_hash_bucket_size 128;")
    yield from ("proxy_buffering off;", "proxy_request_buffering off;", "proxy_http_version 1.1;")
    yield ""
    yield from _refusals("_all", plan.lists)
    yield "if ($authproxy_unread) { return 403; }  # X-Forwarded-For alone counts here"
    yield "# Once for each request: the question comes by here as well."
    yield "uninitialized_variable_warn off;"
    yield 'if ($authproxy_begun = "") { set $authproxy_begun 1; rewrite ^ $authproxy_route last; }'
    yield ""
    yield from block(f"location = {_QUESTION}", _question(plan))
    nowhere = [*_asks(), "root /dev/null;", "try_files /nowhere =421;"]
    yield from block(f"location = {_NOWHERE}", nowhere)
    for service in plan.services:
        yield from block(f"location = {_location(service.name)}", _to_service(service))
    yield from block("location @authproxy_refused", _told())


def _refusals(name: str, lists: Lists) -> Iterator[str]:
    if lists.deny:
        yield f"if ($authproxy_denied_{name}) {{ return 403; }}"
    if lists.allow is not None:
        yield f"if ($authproxy_allowed_{name} = 0) {{ return 403; }}"


def _question(plan: ExportPlan) -> Iterator[str]:
    yield "internal;"
    yield "proxy_pass http://authproxy/;"
    yield from ("proxy_pass_request_body off;", "proxy_connect_timeout 2s;")
    yield f"proxy_read_timeout {milliseconds(plan.question_s)};"
    said = {
        "Content-Length": '""',
        "Connection": '""',
        "Forwarded": '""',
        "X-Forwarded-Method": "$request_method",
        "X-Forwarded-Uri": "$request_uri",
        "X-Forwarded-Host": "$http_host",
        "X-Forwarded-Proto": "$scheme",
        "X-Forwarded-For": "$authproxy_chain",
    }
    yield from (f"proxy_set_header {name} {value};" for name, value in said.items())


def _asks() -> list[str]:
    return [
        "internal;",
        f"auth_request {_QUESTION};",
        *(f"auth_request_set {name} $upstream_{said};" for name, said in _upstream_names().items()),
        "error_page 500 = @authproxy_refused;",
        "add_header X-Authproxy-Error $authproxy_error always;",
    ]


def _upstream_names() -> dict[str, str]:
    return {name: said if said == "status" else f"http_{said}" for name, said in _ANSWERS.items()}


def _to_service(service: ServicePlan) -> Iterator[str]:
    yield from _refusals(variable(service.name), service.lists)
    yield from _asks()
    copied = (*service.token_fields, *service.put_on)
    for name in copied:
        said = variable(name)
        yield f"auth_request_set $authproxy_put_{said} $upstream_http_{said};"
    scheme, to = service.url.scheme, f"$authproxy_to_{variable(service.name)}"
    is_moved = service.strips or service.url.path
    yield f"proxy_pass {scheme}://{to}{'$authproxy_target' if is_moved else '$request_uri'};"
    yield f"proxy_set_header Host {quote(service.url.authority)};"
    yield from ("proxy_set_header Upgrade $authproxy_upgrade;",)
    yield "proxy_set_header Connection $authproxy_connection;"
    yield from (f"proxy_set_header {name} $authproxy_put_{variable(name)};" for name in copied)
    yield "# What clients must not say to the service, in all its spellings."
    yield from (f'proxy_set_header {quote(name)} "";' for name in service.taken_away)
    yield "# What the service says is for its client, and moves nothing here."
    yield f"proxy_ignore_headers {' '.join(_ACCEL)};"
    yield from (f"proxy_pass_header {name};" for name in ("Server", "Date"))
    yield from (f"proxy_hide_header {name};" for name in FOR_US_TO_SAY)
    yield from _timeouts(service)
    if scheme == "https":
        yield from _tls(service)


_ACCEL = (
    *("X-Accel-Redirect", "X-Accel-Expires", "X-Accel-Limit-Rate", "X-Accel-Buffering"),
    "X-Accel-Charset",
)


def _timeouts(service: ServicePlan) -> Iterator[str]:
    yield f"proxy_connect_timeout {milliseconds(service.timeouts.connect)};"
    idle = milliseconds(service.timeouts.stream_idle)
    yield from (f"proxy_read_timeout {idle};", f"proxy_send_timeout {idle};")


def _tls(service: ServicePlan) -> Iterator[str]:
    yield from ("proxy_ssl_server_name on;", f"proxy_ssl_name {quote(service.url.host)};")
    yield from ("proxy_ssl_verify on;", "proxy_ssl_verify_depth 5;")
    yield f"proxy_ssl_trusted_certificate {quote(str(service.trusted_file))};"
    versions = "TLSv1.3" if service.tls_min_version == "1.3" else "TLSv1.2 TLSv1.3"
    yield f"proxy_ssl_protocols {versions};"
    if service.cert_file is not None:
        yield f"proxy_ssl_certificate {quote(str(service.cert_file))};"
        yield f"proxy_ssl_certificate_key {quote(str(service.key_file))};"


def _told() -> Iterator[str]:
    """nginx says 500 in place of most refusals: the status that was meant is said instead."""
    yield "add_header X-Authproxy-Error $authproxy_error always;"
    yield "add_header Retry-After $authproxy_retry_after always;"
    for status in sorted({each for each in STATUS_OF.values() if each >= 400}):
        if status not in _PASSED_ON:
            yield f"if ($authproxy_status = {status}) {{ return {status}; }}"
    yield "return 500;"
