"""Errors that a user can meet, as one tree.

    AuthProxyError            code, status, hint
    ├── ConfigError           problems: one per mistake, all of them at once; exit code 2
    ├── StartError            the program cannot start or go on running; exit code 1
    ├── Refused               the client may not do this; nothing was sent to the service
    ├── CredentialError       no usable token; nothing was sent to the service
    └── UpstreamError         the service could not be reached, was too slow or broke the protocol

One class for each place that catches, not for each cause: the cause is the `Code`. Every `Code` has
a heading in `docs/troubleshooting.md`. This module imports nothing of authproxy.

Messages and hints are shown to whoever sent the request. What only the operator may read (the rule
that refused an address, a source's own words) goes into `detail`, which is written to the log and
nowhere else. No secret goes into any of the three.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """Reason why authproxy answered by itself; the value of `X-Authproxy-Error`, or `-Answer`."""

    BAD_REQUEST = "bad_request"
    TLS_REQUIRED = "tls_required"
    TLS_UNEXPECTED = "tls_unexpected"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    HOST_NOT_ALLOWED = "host_not_allowed"
    CROSS_SITE = "cross_site"
    PREFLIGHT = "preflight"
    START_PAGE = "start_page"
    KEY_REQUIRED = "key_required"
    KEY_NOT_ALLOWED = "key_not_allowed"
    NOT_AUTHORIZED = "not_authorized"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    PATH_NOT_ALLOWED = "path_not_allowed"
    OVERRIDE_NOT_ALLOWED = "override_not_allowed"
    TOO_MANY_REQUESTS = "too_many_requests"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    BODY_TOO_LARGE = "body_too_large"
    ANOTHER_SERVICE = "another_service"
    NO_ROUTE = "no_route"
    CONNECT_NOT_SUPPORTED = "connect_not_supported"
    TRACE_NOT_SUPPORTED = "trace_not_supported"
    MAX_FORWARDS_REACHED = "max_forwards_reached"
    HEALTHY = "healthy"
    NOT_READY = "not_ready"
    LOOP_DETECTED = "loop_detected"
    PROXY_ITSELF = "proxy_itself"
    REQUEST_TIMEOUT = "request_timeout"
    TARGET_TOO_LONG = "target_too_long"
    HEAD_TOO_LARGE = "head_too_large"
    TOKEN_UNAVAILABLE = "token_unavailable"
    SECRET_UNAVAILABLE = "secret_unavailable"
    SERVICE_UNRESOLVED = "service_unresolved"
    CONNECT_FAILED = "connect_failed"
    NO_HTTP1 = "no_http1"
    NO_HTTP2 = "no_http2"
    SIGN_IN_REDIRECT = "sign_in_redirect"
    REFUSED_BY_GOOGLE = "refused_by_google"
    UPSTREAM_BROKE = "upstream_broke"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    SHUTTING_DOWN = "shutting_down"


STATUS_OF: dict[Code, int] = {
    Code.BAD_REQUEST: 400,
    Code.TLS_REQUIRED: 400,
    Code.TLS_UNEXPECTED: 400,
    Code.ADDRESS_NOT_ALLOWED: 403,
    Code.HOST_NOT_ALLOWED: 421,
    Code.CROSS_SITE: 403,
    Code.PREFLIGHT: 204,
    Code.START_PAGE: 200,
    Code.KEY_REQUIRED: 401,
    Code.KEY_NOT_ALLOWED: 403,
    Code.NOT_AUTHORIZED: 403,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.PATH_NOT_ALLOWED: 403,
    Code.OVERRIDE_NOT_ALLOWED: 403,
    Code.TOO_MANY_REQUESTS: 429,
    Code.TOO_MANY_CONNECTIONS: 503,
    Code.BODY_TOO_LARGE: 413,
    Code.ANOTHER_SERVICE: 421,
    Code.NO_ROUTE: 404,
    Code.CONNECT_NOT_SUPPORTED: 405,
    Code.TRACE_NOT_SUPPORTED: 405,
    Code.MAX_FORWARDS_REACHED: 200,
    Code.HEALTHY: 200,
    Code.NOT_READY: 503,
    Code.LOOP_DETECTED: 508,
    Code.PROXY_ITSELF: 403,
    Code.REQUEST_TIMEOUT: 408,
    Code.TARGET_TOO_LONG: 414,
    Code.HEAD_TOO_LARGE: 431,
    Code.TOKEN_UNAVAILABLE: 503,
    Code.SECRET_UNAVAILABLE: 503,
    Code.SERVICE_UNRESOLVED: 503,
    Code.CONNECT_FAILED: 502,
    Code.NO_HTTP1: 502,
    Code.NO_HTTP2: 502,
    Code.SIGN_IN_REDIRECT: 403,
    Code.REFUSED_BY_GOOGLE: 403,
    Code.UPSTREAM_BROKE: 502,
    Code.UPSTREAM_TIMEOUT: 504,
    Code.SHUTTING_DOWN: 503,
}


class AuthProxyError(Exception):
    """The base of all; never raised itself."""

    def __init__(
        self,
        message: str,
        *,
        code: Code,
        hint: str = "",
        detail: str = "",
        fields: Mapping[str, str] | None = None,
    ) -> None:
        """`fields`: header fields of the answer, besides those that every answer has."""
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint
        self.detail = detail
        self.fields = fields or {}

    @property
    def status(self) -> int:
        return STATUS_OF[self.code]

    @property
    def text(self) -> str:
        """Message and hint, to be read one after the other."""
        return join_sentences(self.message, self.hint)

    def __str__(self) -> str:
        return self.message


def join_sentences(message: str, hint: str) -> str:
    """Both on one line, with a full stop between them."""
    if not hint:
        return message
    return f"{message} {hint}" if message.endswith((".", "!", "?", ":")) else f"{message}. {hint}"


class Refused(AuthProxyError):  # noqa: N818 -- reads as what happened, as h11's do
    """The client may not do this, or did not say it properly. Nothing was sent to the service."""

    def __init__(
        self,
        message: str,
        *,
        code: Code,
        hint: str = "",
        detail: str = "",
        fields: Mapping[str, str] | None = None,
        let_in: bool = False,
    ) -> None:
        """`let_in`: the client may use the service, and it is this one request that cannot pass."""
        super().__init__(message, code=code, hint=hint, detail=detail, fields=fields)
        self.let_in = let_in


class StartPage(Refused):
    """Not a refusal: nothing is served here, and what there is instead."""

    def __init__(
        self, message: str, *, code: Code, links: Sequence[tuple[str, str]], hint: str = ""
    ) -> None:
        """`links`: the names of services, and their addresses."""
        super().__init__(message, code=code, hint=hint)
        self.links = links


class CredentialError(AuthProxyError):
    """Something that a request needs is not available: a token, as a rule. Nothing was sent to the
    service.

    `permanent` says that trying again is pointless until a human changes something (a deleted key,
    a missing role); else it is worth another attempt (network, 5xx, 429). `pause_s`: where too many
    ask (429), how long whoever was asked wants to be left alone, 0 if it did not say; else None.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        detail: str = "",
        permanent: bool = False,
        retry_after_s: int = 5,
        pause_s: float | None = None,
        code: Code = Code.TOKEN_UNAVAILABLE,
    ) -> None:
        super().__init__(
            message,
            code=code,
            hint=hint,
            detail=detail,
            fields={"Retry-After": str(retry_after_s)},
        )
        self.permanent = permanent
        self.retry_after_s = retry_after_s
        self.pause_s = pause_s


class UpstreamError(AuthProxyError):
    """The service could not be reached, was too slow, or broke the protocol.

    `sent` decides about a retry: could the service have seen any of the request? `passing` says
    that another try in a moment may do better, as with a service that is just being started.
    """

    def __init__(
        self,
        message: str,
        *,
        code: Code,
        sent: bool,
        hint: str = "",
        detail: str = "",
        passing: bool = False,
    ) -> None:
        super().__init__(message, code=code, hint=hint, detail=detail)
        self.sent = sent
        self.passing = passing


class ClosedEarly(UpstreamError):  # noqa: N818 -- as Refused
    """The service closed a new connection before it was asked anything."""

    def __init__(self, hint: str) -> None:
        super().__init__(
            "The service closed the connection as soon as it was open.",
            code=Code.UPSTREAM_BROKE,
            sent=False,
            hint=hint,
        )


class RefusedByGoogle(UpstreamError):  # noqa: N818 -- as Refused
    """Google refused in the service's stead, with a page that this caller's program never shows."""

    def __init__(self, message: str, *, status: int, hint: str = "", detail: str = "") -> None:
        """`status`: what Google's answer had."""
        super().__init__(message, code=Code.REFUSED_BY_GOOGLE, sent=True, hint=hint, detail=detail)
        self._status = status
        if hint:
            self.fields = {"X-Authproxy-Hint": hint}

    @property
    def status(self) -> int:
        return self._status


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake in the configuration."""

    where: str
    """`authproxy.toml:12`, `environment`, or `command line`."""
    key: str
    """As the user wrote it: `services.billing.url`, `AUTHPROXY_LISTEN`, `--listen`."""
    message: str
    """What is wrong and what to do; never the value of a secret."""
    warns: bool = False
    """It is only said, and all runs as it is written."""

    def __str__(self) -> str:
        return f"{self.where}: {self.key}: {self.message}"


class ConfigError(Exception):
    """The configuration cannot be used; carries every problem found. Exit code 2."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problem(s) in the configuration")
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class StartError(Exception):
    """The program cannot start or go on: a port is taken, a file cannot be read. Exit code 1."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
