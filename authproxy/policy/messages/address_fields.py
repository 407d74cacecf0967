"""Every field whose value is, or holds, an address of the service's or of ours.

One row for each, in requests and in answers, trailers included: what becomes of it, where it is
defined, and an example, which the tests send through a proxy over HTTP/1.1 and HTTP/2. In the
examples the client asks `http://localhost:8080`, and the service is `https://billing.example`.

A name that is not here passes byte for byte. Bodies always do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from authproxy.policy.messages.clearing import local_clearing
from authproxy.policy.messages.content_policy import local_permissions, local_policy
from authproxy.policy.messages.cookies import local_cookie, service_cookies
from authproxy.policy.messages.field_values import (
    challenges,
    cookie_path,
    json_members,
    json_or,
    last_word,
    links,
    parameters,
    quoted,
    refresh,
    tagged_lists,
    words,
)
from authproxy.policy.messages.origin_mapping import (
    Home,
    local_origin,
    local_url,
    service_origin,
    service_page,
    service_url,
)

Change = Callable[[bytes, Home], bytes | None]
"""A value for the other side; None: the field does not pass."""


class In(Enum):
    REQUEST = "request"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Row:
    """Conversion of one field, in each direction."""

    where: In
    name: str
    change: Change | None
    """None: it is not for this table to change."""
    source: str
    """Where the field is defined, and what else speaks for this treatment."""
    comes: str
    """An example."""
    goes: str | None
    """What the other side gets of it; None: nothing."""


def _cookie(value: bytes, home: Home) -> bytes | None:
    below = cookie_path(value, home)
    if below is None:
        return None
    return local_cookie(below, is_plain=home.is_plain, prefix=home.prefix, mark=home.mark)


def _cookies(value: bytes, home: Home) -> bytes | None:
    return service_cookies(value, home.mark, is_plain=home.is_plain, prefix=home.prefix)


def _clearing(value: bytes, home: Home) -> bytes | None:
    return local_clearing(value, home.client, home.mark)


def _gone(_: bytes, __: Home) -> None:
    return None


HERE = "http://localhost:8080"
THERE = "https://billing.example"
_REPORTS = f'"endpoints":[{{"url":"{THERE}/r"}}]'
_LOCAL_REPORTS = f'"endpoints":[{{"url":"{HERE}/r"}}]'
_PRM = ".well-known/oauth-protected-resource"


def _request(
    name: str, change: Change | None, source: str, comes: str, goes: str | None = ""
) -> Row:
    return Row(In.REQUEST, name, change, source, comes, comes if goes == "" else goes)


def _answer(
    name: str, change: Change | None, source: str, comes: str, goes: str | None = ""
) -> Row:
    return Row(In.ANSWER, name, change, source, comes, comes if goes == "" else goes)


REQUESTS = (
    # Addresses here become the service's.
    _request("Origin", service_origin, "RFC 6454 7; Fetch 3.2", HERE, THERE),
    _request("Sec-WebSocket-Origin", service_origin, "hybi drafts 4 to 10", HERE, THERE),
    _request("Referer", service_page, "RFC 9110 10.1.3", f"{HERE}/a?b", f"{THERE}/a?b"),
    _request("Destination", service_url, "RFC 4918 10.3", f"{HERE}/b.txt", f"{THERE}/b.txt"),
    _request(
        "If",
        tagged_lists(service_url),
        "RFC 4918 10.4",
        f'<{HERE}/a> (<opaquelocktoken:1> ["e"]) (Not <DAV:no-lock>)',
        f'<{THERE}/a> (<opaquelocktoken:1> ["e"]) (Not <DAV:no-lock>)',
    ),
    _request("Content-Location", service_url, "RFC 9110 8.7", f"{HERE}/a", f"{THERE}/a"),
    _request(
        "Link",
        links(service_url),
        "RFC 8288 3",
        f'<{HERE}/a>; rel="describedby"; anchor="{HERE}/b"',
        f'<{THERE}/a>; rel="describedby"; anchor="{THERE}/b"',
    ),
    _request(
        "Upload-Concat",
        words(service_url),
        "tus 1.0, Concatenation",
        f"final;{HERE}/a {HERE}/b",
        f"final;{THERE}/a {THERE}/b",
    ),
    _request("Ping-From", service_page, "HTML 4.6.6", f"{HERE}/a", f"{THERE}/a"),
    _request("Ping-To", service_url, "HTML 4.6.6", f"{HERE}/a", f"{THERE}/a"),
    _request("HX-Current-URL", service_page, "htmx", f"{HERE}/a", f"{THERE}/a"),
    _request("X-Up-Location", service_url, "Unpoly", f"{HERE}/a", f"{THERE}/a"),
    _request("Cookie", _cookies, "RFC 6265 4.2; policy.cookies", "a=1; authproxy.other.b=2", "a=1"),
    # Written by `policy.messages.headers`, whatever the client sent.
    _request("X-Forwarded-Host", None, "decision 8", "evil.example", "billing.example"),
    _request("X-Forwarded-Proto", None, "decision 8", "gopher", "https"),
    _request("X-Forwarded-For", None, "decision 8", "192.0.2.1", "127.0.0.1"),
    _request("X-Forwarded-Prefix", None, "decision 8; only with strip_path", "/a", None),
    _request("X-Forwarded-Port", None, "decision 8", "8080", None),
    _request("X-Forwarded-Scheme", None, "decision 8", "http", None),
    _request("X-Forwarded-Server", None, "decision 8", "localhost", None),
    _request("X-Forwarded-Ssl", None, "decision 8", "off", None),
    _request("X-Forwarded-Protocol", None, "gunicorn: 400 where it differs", "https", None),
    _request("X-Scheme", None, "Tornado; decision 8", "https", None),
    _request("X-Url-Scheme", None, "decision 8", "https", None),
    _request("Front-End-Https", None, "Microsoft; decision 8", "on", None),
    _request("Forwarded", None, "RFC 7239; decision 8", "host=localhost;proto=http", None),
    _request("Alt-Used", _gone, "RFC 7838 5: Alt-Svc does not pass either", "localhost:8080", None),
    _request("Proxy-Authorization", None, "RFC 9110 11.7.2: it ends here", "Basic eA==", None),
    _request("Proxy-Connection", None, "RFC 9112 C.2.2: it ends here", "keep-alive", None),
    # No addresses, or not ours to change.
    _request("Sec-Fetch-Site", None, "Fetch Metadata: a relation, true of both", "same-origin"),
    _request("Sec-Fetch-Mode", None, "Fetch Metadata", "cors"),
    _request("Access-Control-Request-Method", None, "Fetch 3.2", "PUT"),
    _request("Access-Control-Request-Headers", None, "Fetch 3.2: names of fields", "x-a"),
    _request("Via", None, "RFC 9110 7.6.3: other proxies' names", "1.1 localhost:8080"),
    _request("Lock-Token", None, "RFC 4918 10.5: opaque", "<opaquelocktoken:1>"),
    _request("SOAPAction", None, "SOAP 1.1 6.1.1: an identifier", f'"{HERE}/action"'),
    _request(
        "Authorization",
        None,
        "RFC 7616 3.4.3: `uri` is hashed with the password",
        'Digest username="a", uri="/a", response="0"',
    ),
    _request("DPoP", None, "RFC 9449 4.2: `htu` is signed", "eyJ.eyJ.sig"),
    _request("Signature-Input", None, "RFC 9421: signed", 'a=("@authority")'),
)
"""From the client to the service."""

ANSWERS = (
    # The service's addresses become those here.
    _answer("Location", local_url, "RFC 9110 10.2.2", f"{THERE}/a?b#c", f"{HERE}/a?b#c"),
    _answer("Content-Location", local_url, "RFC 9110 8.7", f"{THERE}/a", f"{HERE}/a"),
    _answer("Content-Base", local_url, "RFC 2110 4.2", f"{THERE}/", f"{HERE}/"),
    _answer("Refresh", refresh(local_url), "HTML 4.2.5.3", f"5; url={THERE}/a", f"5; url={HERE}/a"),
    _answer(
        "Link",
        links(local_url),
        "RFC 8288 3",
        f'<{THERE}/a>; rel=next; anchor="{THERE}/b", <c>; rel=x',
        f'<{HERE}/a>; rel=next; anchor="{HERE}/b", <c>; rel=x',
    ),
    _answer(
        "Link-Template",
        quoted(local_url),
        "RFC 9652 2",
        f'"{THERE}/{{x}}"; rel="next"',
        f'"{HERE}/{{x}}"; rel="next"',
    ),
    _answer("Access-Control-Allow-Origin", local_origin, "Fetch 3.2.3", THERE, HERE),
    _answer(
        "Timing-Allow-Origin",
        words(local_origin),
        "Resource Timing 4.5",
        f"{THERE}, https://other.example",
        f"{HERE}, https://other.example",
    ),
    *(
        _answer(
            name,
            local_policy,
            "CSP3",
            f"default-src 'self' {THERE}; report-uri {THERE}/r",
            f"default-src 'self' {HERE}; report-uri {HERE}/r",
        )
        for name in (
            "Content-Security-Policy",
            "Content-Security-Policy-Report-Only",
            "X-Content-Security-Policy",
            "X-WebKit-CSP",
        )
    ),
    *(
        _answer(
            name,
            local_permissions,
            "Permissions Policy 5.2",
            f'geolocation=(self "{THERE}"), camera=()',
            f'geolocation=(self "{HERE}"), camera=()',
        )
        for name in ("Permissions-Policy", "Permissions-Policy-Report-Only")
    ),
    _answer(
        "Feature-Policy",
        local_policy,
        "Permissions Policy's former name",
        f"geolocation 'self' {THERE}; camera 'none'",
        f"geolocation 'self' {HERE}; camera 'none'",
    ),
    _answer(
        "X-Frame-Options",
        last_word(local_origin),
        "RFC 7034 2.1",
        f"ALLOW-FROM {THERE}",
        f"ALLOW-FROM {HERE}",
    ),
    _answer(
        "Reporting-Endpoints",
        quoted(local_url),
        "Reporting API 3.2",
        f'a="{THERE}/r", b="/s"',
        f'a="{HERE}/r", b="/s"',
    ),
    _answer(
        "Report-To",
        json_members(["url"], local_url),
        "Reporting API of 2018, 3.1",
        f'{{"group":"a","max_age":9,{_REPORTS}}}',
        f'{{"group":"a","max_age":9,{_LOCAL_REPORTS}}}',
    ),
    _answer(
        "Speculation-Rules",
        quoted(local_url),
        "HTML 7.6.1",
        f'"{THERE}/rules.json", "/more.json"',
        f'"{HERE}/rules.json", "/more.json"',
    ),
    _answer("SourceMap", local_url, "ECMA-426 11.1.2", f"{THERE}/a.map", f"{HERE}/a.map"),
    _answer("X-SourceMap", local_url, "SourceMap's former name", f"{THERE}/a.map", f"{HERE}/a.map"),
    _answer("Service-Worker-Allowed", local_url, "Service Workers 4.1", f"{THERE}/a", f"{HERE}/a"),
    _answer(
        "Use-As-Dictionary",
        parameters(["match"], local_url),
        "RFC 9842 2.1",
        f'match="{THERE}/js/*", id="a"',
        f'match="{HERE}/js/*", id="a"',
    ),
    _answer(
        "WWW-Authenticate",
        challenges(local_url),
        "RFC 9110 11.6.1; RFC 9728 5.1, RFC 7616 3.3",
        f'Bearer resource_metadata="{THERE}/{_PRM}", scope="{THERE}/all", Basic realm="{THERE}"',
        f'Bearer resource_metadata="{HERE}/{_PRM}", scope="{THERE}/all", Basic realm="{THERE}"',
    ),
    _answer("Set-Cookie", _cookie, "RFC 6265 4.1", "a=b; Domain=billing.example", "a=b"),
    _answer("Upload-Concat", words(local_url), "tus 1.0", f"final;{THERE}/a", f"final;{HERE}/a"),
    *(
        _answer(name, local_url, source, f"{THERE}/a", f"{HERE}/a")
        for name, source in (
            ("Operation-Location", "Azure's long-running operations"),
            ("Azure-AsyncOperation", "Azure's long-running operations"),
            ("X-Goog-Upload-URL", "Google's resumable uploads"),
            ("X-Goog-Upload-Control-URL", "Google's resumable uploads"),
            ("X-Pingback", "Pingback 1.0 2.1"),
            ("HX-Redirect", "htmx"),
            ("HX-Push-Url", "htmx"),
            ("HX-Replace-Url", "htmx"),
            ("X-Inertia-Location", "Inertia"),
            ("Turbolinks-Location", "Turbolinks"),
            ("X-PJAX-URL", "pjax"),
            ("X-Up-Location", "Unpoly"),
            ("X-NextJS-Redirect", "Next.js"),
            ("X-NextJS-Rewrite", "Next.js"),
            ("X-Action-Redirect", "Next.js"),
            ("X-Remix-Redirect", "Remix"),
            ("OData-EntityId", "OData 4.01 8.3.4"),
        )
    ),
    _answer(
        "HX-Location",
        json_or(["path"], local_url),
        "htmx",
        f'{{"path":"{THERE}/a", "target":"#b"}}',
        f'{{"path":"{HERE}/a", "target":"#b"}}',
    ),
    # They would outlast the visit, and count for others on the same host.
    _answer("Strict-Transport-Security", _gone, "RFC 6797", "max-age=1", None),
    _answer("Public-Key-Pins", _gone, "RFC 7469", 'pin-sha256="x"; max-age=1', None),
    _answer("Public-Key-Pins-Report-Only", _gone, "RFC 7469", 'pin-sha256="x"', None),
    _answer("Expect-CT", _gone, "RFC 9163", "max-age=1", None),
    _answer(
        "NEL", _gone, "Network Error Logging", '{"report_to":"a","include_subdomains":true}', None
    ),
    _answer(
        "Alt-Svc",
        None,
        "RFC 7838; `headers`: it would lead past us",
        'h3=":443"',
        None,
    ),
    _answer("Proxy-Authenticate", _gone, "RFC 9110 11.7.1: it ends here", "Basic", None),
    _answer(
        "Clear-Site-Data",
        _clearing,
        "Clear Site Data 3.1; policy.clearing",
        '"cookies", "storage"',
        '"storage"',
    ),
    # No addresses, or not ours to change.
    _answer("Access-Control-Allow-Methods", None, "Fetch 3.2.3", "GET"),
    _answer("Access-Control-Allow-Headers", None, "Fetch 3.2.3: names of fields", "x-a"),
    _answer("Cross-Origin-Opener-Policy", None, "HTML 7.1.3: words", 'same-origin; report-to="a"'),
    _answer("Cross-Origin-Embedder-Policy", None, "HTML 7.1.4: words", "require-corp"),
    _answer("Cross-Origin-Resource-Policy", None, "Fetch 3.6: relations", "same-site"),
    _answer("Origin-Agent-Cluster", None, "HTML 7.1.2", "?1"),
    _answer("Authentication-Info", None, "RFC 7615: hashes", 'rspauth="0", nextnonce="/a"'),
    _answer("Lock-Token", None, "RFC 4918 10.5: opaque", "<opaquelocktoken:1>"),
    _answer("DAV", None, "RFC 4918 10.1: identifiers", f"1, <{THERE}/ns>"),
    _answer("Via", None, "RFC 9110 7.6.3: other proxies' names", "1.1 billing.example"),
    _answer("Deprecation", None, "RFC 9745: a time; its address is in Link", "@1688169599"),
    _answer("Sunset", None, "RFC 8594: a time", "Sat, 31 Dec 2028 23:59:59 GMT"),
)
"""From the service to the client."""

TABLE = (*REQUESTS, *ANSWERS)
