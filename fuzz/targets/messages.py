"""What fields of messages say: addresses, hosts, paths, cookies, traces, choices."""

import re
from ipaddress import IPv4Address

from authproxy.authorizer.envoy_messages import CheckRequest
from authproxy.authorizer.ext_authz import read_check
from authproxy.authorizer.questions import read_question
from authproxy.errors import Refused
from authproxy.exchange import make_field
from authproxy.observe.metrics.negotiation import FORMATS, choose_format, parse_list, wants_gzip
from authproxy.observe.trace_context import find_trace, parse_cloud_trace, parse_traceparent
from authproxy.policy.access.client_address import find_client
from authproxy.policy.access.networks import AddressSet
from authproxy.policy.access.path_readings import MAX_READINGS, PathError, folded, leaves, readings
from authproxy.policy.access.targets import shown_host, shown_path, split_target
from authproxy.policy.messages.cookies import local_cookie, read_cookie, service_cookies
from authproxy.policy.messages.origin_mapping import Home, parse_url
from authproxy.policy.messages.rewriting import local_answer, service_request
from authproxy.policy.messages.rpc import read_status
from authproxy.policy.routes import parse_host
from authproxy.values.networks import LOOPBACK
from fuzz.targets.target import Target, holds, may_raise, same

_PEER = IPv4Address("127.0.0.1")
_TRUSTED = AddressSet(LOOPBACK)
_HOME = Home(services=(b"https://a.example",), client=b"http://localhost:8080", prefix=b"/a")
_CONTROL = re.compile(rb"[\0\r\n]")


def client_address(data: bytes) -> None:
    """By either field there is a client, or a refusal."""
    for names in ((data, b""), (b"", data)):
        listed, forwarded = ([each] if each else [] for each in names)
        with may_raise(Refused):
            found = find_client(_PEER, forwarded_for=listed, forwarded=forwarded, trusted=_TRUSTED)
            holds(found is not None, "a client without an address")


def targets(data: bytes) -> None:
    """What is sent on is a path, and what is shown has no user's name in it."""
    method, _, target = data.partition(b" ")
    with may_raise(Refused):
        path, _ = split_target(method, target, b"a.example")
        holds(path == b"*" or path[:1] == b"/", "a target that is no path")
        same(path, split_target(method, path, b"a.example")[0], "a path taken for a target")
    shown = shown_path(target)
    same(shown, shown_path(shown), "a shown path, shown again")
    shown_host(target)


def hosts(data: bytes) -> None:
    with may_raise(Refused):
        name = parse_host(data)
        holds(name == name.lower() and name, "a host that is not in lower case")
        again = f"[{name}]" if ":" in name else f"{name}."
        same(name, parse_host(again.encode()), "a host, read again")


def paths(data: bytes) -> None:
    """The path itself is among its readings, and there is an end to them."""
    with may_raise(PathError):
        found = readings(data)
        holds(len(found) <= MAX_READINGS, "too many readings")
        holds(folded(data) is not None, "no folded path")
    leaves(data)


def cookies(data: bytes) -> None:
    """A service gets its own cookie back as it has set it, and none of another's."""
    cookie = read_cookie(data)
    local = local_cookie(data, is_plain=True, prefix=b"/a", mark=b"a")
    if local is not None and not _CONTROL.search(data):
        pair = local.partition(b";")[0]
        returned = service_cookies(pair, b"a", prefix=b"/a")
        content = b"%b=%b" % (cookie.name, cookie.content) if cookie.name else cookie.content
        same((returned or b"").strip(), content.strip(), "a cookie that comes back")
        same(None, service_cookies(pair, b"b", prefix=b"/b"), "another service's cookie")
    service_cookies(data, b"a")


_REWRITTEN = (
    b"location",
    b"set-cookie",
    b"content-security-policy",
    b"permissions-policy",
    b"link",
    b"refresh",
    b"www-authenticate",
    b"alt-svc",
    b"clear-site-data",
    b"destination",
    b"if",
    b"origin",
    b"referer",
    b"cookie",
    b"docker-upload-location",
    b"sourcemap",
)


def rewritten(data: bytes) -> None:
    """No line break comes into a value that had none, and nothing is as long as it pleases."""
    parse_url(data)
    fields = [make_field(name, data) for name in _REWRITTEN]
    for made in (local_answer(fields, _HOME), service_request(fields, _HOME)):
        for name, value, _ in made:
            is_new = _CONTROL.search(value) and not _CONTROL.search(data)
            holds(not is_new, f"a line break in {name!r}")
            holds(len(value) <= 64 * len(data) + 1000, f"{name!r} grows without a bound")


def traces(data: bytes) -> None:
    """What is read of a trace is what is written of it."""
    found = parse_traceparent(data)
    if found is not None:
        written = f"00-{found.trace_id}-{found.span_id}-{found.sampled or 0:02x}".encode()
        again = parse_traceparent(written)
        same(
            (found.trace_id, found.span_id),
            (again and again.trace_id, again and again.span_id),
            "a trace, written and read",
        )
    parse_cloud_trace(data)
    fields = [make_field(name, data) for name in (b"traceparent", b"x-cloud-trace-context")]
    find_trace(fields)


def negotiation(data: bytes) -> None:
    accept = data.decode("latin-1")
    chosen = choose_format(accept)
    known = {(each.media_type, each.version) for each in FORMATS}
    holds((chosen.media_type, chosen.version) in known, "a format that we do not write")
    holds(all(0 <= each.q <= 1 for each in parse_list(accept)), "a weight beyond 1")
    wants_gzip(accept)


def questions(data: bytes) -> None:
    """Lines `name: value`, as the fields of a question by HTTP."""
    fields = [make_field(*line.partition(b": ")[::2]) for line in data.split(b"\r\n")]
    with may_raise(Refused):
        head = read_question(fields)
        names = [name for name, _, _ in head.headers]
        same(1, names.count(b"host"), "the hosts of a question")


def envoy(data: bytes) -> None:
    """google.protobuf reads it; what it means is ours."""
    try:
        request = CheckRequest.FromString(data)
    except Exception:  # noqa: BLE001 -- the library's own word: not a message
        return
    with may_raise(Refused):
        head = read_check(request)
        same(1, [name for name, _, _ in head.headers].count(b"host"), "the hosts of a question")


def _check_request() -> bytes:
    made = CheckRequest()
    http = made.attributes.request.http
    http.method, http.path, http.host, http.scheme = "GET", "/a?b", "a.example", "https"
    made.attributes.source.address.socket_address.address = "192.0.2.1"
    entry = http.headers.add()
    entry.key, entry.value = "accept", "*/*"
    return bytes(made.SerializeToString())


def rpc_status(data: bytes) -> None:
    found = read_status(data)
    holds(found is None or 0 <= found < 10**6, "a status that nobody can use")


_TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TARGETS = {
    "client_address": Target(
        play=client_address,
        modules=("policy.access.client_address",),
        seeds=(
            b"192.0.2.1, 127.0.0.1",
            b'for="[2001:db8::1]:4711";proto=https, for=127.0.0.1',
            b"for=_hidden, for=unknown",
            b"::ffff:192.0.2.1",
        ),
    ),
    "targets": Target(
        play=targets,
        modules=("policy.access.targets",),
        seeds=(
            b"GET /a?b",
            b"OPTIONS *",
            b"GET http://user@a.example/b",
            b"OPTIONS http://a.example",
            b"GET //user:secret@host/",
        ),
    ),
    "hosts": Target(
        play=hosts,
        modules=("policy.routes", "values.hosts"),
        seeds=(b"a.example:443", b"[::1]:80", b"LOCALHOST.", b"127.1", b"[::ffff:1.2.3.4]"),
    ),
    "paths": Target(
        play=paths,
        modules=("policy.access.path_readings",),
        seeds=(b"/a/../b", b"/%2e%2e/a;x/..//b", b"/%252e/%u002e", b"/\xef\xbc\x8e\xef\xbc\x8e/"),
    ),
    "cookies": Target(
        play=cookies,
        modules=("policy.messages.cookies",),
        seeds=(
            b"a=b; Path=/; HttpOnly; Secure",
            b"__Host-a=b; Secure; Path=/",
            b"nameless; Max-Age=0",
            b"a=b; Domain=a.example; SameSite=None; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        ),
    ),
    "rewritten_fields": Target(
        play=rewritten,
        modules=("policy.messages.origin_mapping",),
        seeds=(
            b"https://a.example/b?c#d",
            b"<https://a.example/x>; rel=preload, </y>",
            b"default-src 'self' https://a.example *.example; upgrade-insecure-requests",
            b'geolocation=(self "https://a.example")',
            b"0; url=https://a.example/",
            b'Bearer realm="https://a.example/token",service="x"',
            b"<https://a.example/d> (<urn:uuid:1>)",
        ),
    ),
    "traces": Target(
        play=traces,
        modules=("observe.trace_context",),
        seeds=(
            _TRACE,
            _TRACE.replace(b"00-", b"cc-", 1) + b"-x",
            b"105445aa7843bc8bf206b12000100000/1;o=1",
        ),
    ),
    "negotiation": Target(
        play=negotiation,
        modules=("observe.metrics.negotiation",),
        seeds=(
            b"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
            b'a/b;x="q,\\"";q=1, gzip;q=0',
        ),
    ),
    "authorizer_questions": Target(
        play=questions,
        modules=("authorizer.questions",),
        seeds=(
            b"X-Forwarded-Method: GET\r\nX-Forwarded-Uri: /a\r\nX-Forwarded-Host: a.example\r\n"
            b"X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.1\r\nAccept: */*",
        ),
    ),
    "envoy_questions": Target(
        play=envoy, modules=("authorizer.ext_authz",), seeds=(_check_request(),)
    ),
    "rpc_status": Target(
        play=rpc_status,
        modules=("policy.messages.rpc",),
        seeds=(b"0", b"16", b"99", b"-1", b"9" * 40),
    ),
}
