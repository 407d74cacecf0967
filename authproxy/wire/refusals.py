"""The sentences with which the data path refuses or gives up."""

import math

from authproxy.errors import (
    ClosedEarly,
    Code,
    CredentialError,
    Refused,
    RefusedByGoogle,
    UpstreamError,
)
from authproxy.policy.access.cross_site import PageRequest
from authproxy.policy.google.rejection import Rejection

_ALLOW = {"Allow": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}


def connect() -> Refused:
    """authproxy is no forward proxy for TLS."""
    return Refused(
        "CONNECT is not supported: authproxy cannot put a token inside an encrypted tunnel.",
        code=Code.CONNECT_NOT_SUPPORTED,
        hint="Ask for http:// URLs at this proxy's address instead of https:// through it.",
        fields=_ALLOW,
    )


def trace() -> Refused:
    """A service that obeys it would send our token back to the client (RFC 9110 9.3.8)."""
    return Refused(
        "TRACE is not supported: the answer would show what authproxy adds to the request.",
        code=Code.TRACE_NOT_SUPPORTED,
        hint="Ask the service for a page that shows the request, if it has one.",
        fields=_ALLOW,
    )


def check_method(method: bytes) -> None:
    """Raises Refused for those that pass nowhere: `trace` neither, which some services read so."""
    if method.upper() in _NEVER_PASS:
        raise _NEVER_PASS[method.upper()]()


def last_hop() -> Refused:
    """Not a refusal: whoever asks with Max-Forwards: 0 wants to hear us (RFC 9110 7.6.2)."""
    return Refused(
        "This is authproxy: Max-Forwards let the request go no further.",
        code=Code.MAX_FORWARDS_REACHED,
        fields=_ALLOW,
    )


def address(rule: str) -> Refused:
    """`rule` is for the log only."""
    return Refused(
        "This client's address is not allowed.",
        code=Code.ADDRESS_NOT_ALLOWED,
        hint="The settings `allow` and `deny` of authproxy decide; the log shows the address.",
        detail=rule,
    )


def cross_site(detail: str, page: PageRequest) -> Refused:
    """`detail` is for the log only."""
    if page.origin == b"null":
        hint = (
            "The page has no origin (a file, a frame in a sandbox, or a redirect), so it cannot"
            " be allowed. If it is yours, serve it from a web server, and add that server's"
            f" origin to `allow_origins` in the configuration, {_EXAMPLE}."
        )
    elif page.has_referer_only:
        hint = (
            "If you followed a link, type the address instead. To follow links, reach this proxy as"
            f" localhost or by https, where browsers mark links. {_ALLOW_IT}"
        )
    else:
        hint = _ALLOW_IT
    return Refused(
        "This request was made by a page of another site, which may not use this proxy.",
        code=Code.CROSS_SITE,
        hint=hint,
        detail=detail,
    )


_EXAMPLE = 'as in allow_origins = ["http://localhost:3000"]'
_ALLOW_IT = (
    f"If the page is yours, add its origin to `allow_origins` in the configuration, {_EXAMPLE}."
)


def key_required(header: bytes, detail: str = "the request has no key") -> Refused:
    """`header`: its name, in lower case; `detail` is for the log only."""
    name = "-".join(part.capitalize() for part in header.decode().split("-"))
    return Refused(
        "This proxy requires a key.",
        code=Code.KEY_REQUIRED,
        hint=f"Send your key in the header {name}.",
        detail=detail,
        # RFC 9110 15.5.2 wants a challenge; there is no registered scheme for a key.
        fields={"WWW-Authenticate": f'ApiKey header="{name}"'},
    )


def key_not_allowed(name: str, service: str) -> Refused:
    return Refused(
        "This key does not give access to this service.",
        code=Code.KEY_NOT_ALLOWED,
        hint="The setting `services` of the key decides.",
        detail=f"the key {name} has no access to {service}",
    )


def acts_as_another(name: str) -> Refused:
    """The configuration has changed, and with the old account nothing goes on."""
    return Refused(
        f"The key {name} does not act as the same service account any more.",
        code=Code.KEY_NOT_ALLOWED,
        hint="Send the request again: it goes by the new configuration.",
        detail=f"the setting `impersonate` of the key {name} has changed",
    )


def too_many_requests(wait_s: float) -> Refused:
    return Refused(
        "This client has sent too many requests.",
        code=Code.TOO_MANY_REQUESTS,
        hint="The limit is `limits.requests_per_second` in the configuration.",
        fields={"Retry-After": str(math.ceil(wait_s))},
        let_in=True,
    )


def too_many_wrong_keys(wait_s: float) -> Refused:
    return Refused(
        "Too many wrong keys have come from this address.",
        code=Code.TOO_MANY_REQUESTS,
        hint="Wait, then send the right one.",
        detail="too many wrong keys",
        fields={"Retry-After": str(math.ceil(wait_s))},
    )


def too_many_connections(detail: str) -> Refused:
    """`detail` is for the log only."""
    return Refused(
        "There are too many connections.",
        code=Code.TOO_MANY_CONNECTIONS,
        hint="Close some, or raise `limits.connections` or `limits.connections_per_client`.",
        detail=detail,
        fields={"Retry-After": "1"},
    )


def body_too_large(limit: int) -> Refused:
    return Refused(
        f"The body of the request is larger than {limit:,} bytes.",
        code=Code.BODY_TOO_LARGE,
        hint="The limit is `limits.body_bytes` in the configuration.",
        let_in=True,
    )


def head_too_large() -> Refused:
    return Refused(
        "The header fields of the request are too large or too many.",
        code=Code.HEAD_TOO_LARGE,
        hint="The limits are `limits.head_bytes` and `limits.headers` in the configuration.",
    )


def target_too_long() -> Refused:
    return Refused(
        "The target of the request is too long.",
        code=Code.TARGET_TOO_LONG,
        hint="The limit is `limits.target_bytes` in the configuration.",
    )


def slow_head(seconds: float) -> Refused:
    return Refused(
        f"The request's head did not arrive within {seconds:g} seconds.",
        code=Code.REQUEST_TIMEOUT,
    )


def not_http(reason: str) -> Refused:
    """What the client sent cannot be a request."""
    return Refused("The request is not valid HTTP/1.1.", code=Code.BAD_REQUEST, detail=reason)


def tls_required() -> Refused:
    return Refused(
        "This port speaks TLS, and the request came without it.",
        code=Code.TLS_REQUIRED,
        hint="Use https:// instead of http://; with gRPC, a secure channel.",
    )


def tls_unexpected() -> Refused:
    """For the log: the client understands no words (see `replies.render`)."""
    return Refused(
        "The client speaks TLS, and this port speaks plain HTTP.",
        code=Code.TLS_UNEXPECTED,
        hint="Use http:// instead of https://.",
        detail="the client speaks TLS to a plain HTTP listener",
    )


def bad_body(reason: str) -> Refused:
    return Refused(
        "The body of the request is not valid HTTP/1.1.", code=Code.BAD_REQUEST, detail=reason
    )


def no_token() -> CredentialError:
    """A source failed in a way that it did not foresee; the log has the rest."""
    return CredentialError("No token is available, because of an unexpected error.")


def sign_in(service: str, advice: str) -> UpstreamError:
    """In place of a redirect from which there is no way back."""
    return UpstreamError(
        "The service redirects to Google's sign-in, and Google would not send the browser back"
        " to authproxy.",
        code=Code.SIGN_IN_REDIRECT,
        sent=True,
        hint=advice,
        detail=f"{service} redirected to Google's sign-in",
    )


def no_sign_in(service: str) -> UpstreamError:
    """In place of a redirect that no program can follow."""
    return UpstreamError(
        "The service redirects this call to Google's sign-in, which needs a person with a browser.",
        code=Code.SIGN_IN_REDIRECT,
        sent=True,
        hint="Make the application accept the token that authproxy sends, or call an address"
        " that needs no sign-in.",
        detail=f"{service} redirected a call to Google's sign-in",
    )


def by_google(status: int, rejection: Rejection, hint: str) -> RefusedByGoogle:
    """`hint` is for clients on this machine; empty for all others."""
    who = "Identity-Aware Proxy" if rejection.startswith("iap") else "Google's front end"
    return RefusedByGoogle(
        f"{who} answered this call with {status}, instead of the service.",
        # Identity-Aware Proxy says 302 as well for what is a 401 to a program.
        status=401 if rejection is Rejection.IAP_NO_TOKEN else status,
        hint=hint,
        detail=f"{who} refused it with {status} ({rejection})",
    )


def by_page(status: int, hint: str) -> RefusedByGoogle:
    """Google's or the application's own: nobody has read it. `hint` as in `by_google`."""
    return RefusedByGoogle(
        f"The answer to this call was {status} with a page for browsers.", status=status, hint=hint
    )


def service_gone(reason: str, more: str = "") -> UpstreamError:
    """`more`: what else it may be."""
    return UpstreamError(
        "The service closed the connection before it answered.",
        code=Code.UPSTREAM_BROKE,
        sent=True,
        hint=f"The request may have reached the service: see its own log. {more}".rstrip(),
        detail=reason,
    )


def closed_early(more: str = "") -> ClosedEarly:
    """As `service_gone`, and nothing was sent."""
    return ClosedEarly(f"See the service's own log: it may not be up yet. {more}".rstrip())


def service_broke(reason: str) -> UpstreamError:
    return UpstreamError(
        "The service's answer is not valid HTTP/1.1.",
        code=Code.UPSTREAM_BROKE,
        sent=True,
        hint="Is the address that of an HTTPS service, and its port the right one?",
        detail=reason,
    )


def ended_early() -> UpstreamError:
    """For MCP clients, which would wait for ever."""
    return UpstreamError(
        "The service's stream ended before the response to this request was in it.",
        code=Code.UPSTREAM_BROKE,
        sent=True,
        hint="See the service's own log. It may have done what was asked for.",
    )


def shutting_down() -> UpstreamError:
    return UpstreamError("authproxy is shutting down.", code=Code.SHUTTING_DOWN, sent=False)


def endless_interim(count: int) -> UpstreamError:
    return UpstreamError(
        f"The service sent {count:,} interim answers (1xx) and no final one.",
        code=Code.UPSTREAM_BROKE,
        sent=True,
        hint="See the service's own log: why does it keep sending 100, 102 or 103?",
    )


def slow_service(seconds: float) -> UpstreamError:
    return UpstreamError(
        f"The service did not begin to answer within {seconds:g} seconds.",
        code=Code.UPSTREAM_TIMEOUT,
        sent=True,
        hint="The limit is `timeouts.first_byte` in the configuration.",
    )


def silent_exchange(seconds: float) -> UpstreamError:
    return UpstreamError(
        f"No data moved in either direction for {seconds:g} seconds.",
        code=Code.UPSTREAM_TIMEOUT,
        sent=True,
        hint="The limit is `timeouts.stream_idle` in the configuration.",
    )


def out_of_time(seconds: float) -> UpstreamError:
    return UpstreamError(
        f"The exchange did not finish within {seconds:g} seconds.",
        code=Code.UPSTREAM_TIMEOUT,
        sent=True,
        hint="The limit is `timeouts.total` in the configuration.",
    )


ORDINARY_METHODS = frozenset([b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"])
"""`check_method` need not be asked about these."""
_NEVER_PASS = {b"CONNECT": connect, b"TRACE": trace}
