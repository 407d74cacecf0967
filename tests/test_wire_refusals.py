import pytest

from authproxy.errors import AuthProxyError, Code
from authproxy.wire import refusals

REASON = "the first line is not HTTP/1.1's"
NOT_HTTP = "The request is not valid HTTP/1.1."


@pytest.mark.parametrize(
    ("error", "status", "code", "message", "hint", "detail"),
    [
        (
            refusals.connect(),
            405,
            Code.CONNECT_NOT_SUPPORTED,
            "CONNECT is not supported: authproxy cannot put a token inside an encrypted tunnel.",
            "Ask for http:// URLs at this proxy's address instead of https:// through it.",
            "",
        ),
        (
            refusals.address("192.0.2.7 is in deny 192.0.2.0/24"),
            403,
            Code.ADDRESS_NOT_ALLOWED,
            "This client's address is not allowed.",
            "The settings `allow` and `deny` of authproxy decide; the log shows the address.",
            "192.0.2.7 is in deny 192.0.2.0/24",
        ),
        (
            refusals.head_too_large(),
            431,
            Code.HEAD_TOO_LARGE,
            "The header fields of the request are too large or too many.",
            "The limits are `limits.head_bytes` and `limits.headers` in the configuration.",
            "",
        ),
        (
            refusals.target_too_long(),
            414,
            Code.TARGET_TOO_LONG,
            "The target of the request is too long.",
            "The limit is `limits.target_bytes` in the configuration.",
            "",
        ),
        (
            refusals.slow_head(0.5),
            408,
            Code.REQUEST_TIMEOUT,
            "The request's head did not arrive within 0.5 seconds.",
            "",
            "",
        ),
        (
            refusals.not_http(REASON),
            400,
            Code.BAD_REQUEST,
            NOT_HTTP,
            "",
            REASON,
        ),
        (
            refusals.tls_required(),
            400,
            Code.TLS_REQUIRED,
            "This port speaks TLS, and the request came without it.",
            "Use https:// instead of http://; with gRPC, a secure channel.",
            "",
        ),
        (
            refusals.bad_body("Invalid character in chunk size"),
            400,
            Code.BAD_REQUEST,
            "The body of the request is not valid HTTP/1.1.",
            "",
            "Invalid character in chunk size",
        ),
        (
            refusals.no_token(),
            503,
            Code.TOKEN_UNAVAILABLE,
            "No token is available, because of an unexpected error.",
            "",
            "",
        ),
        (
            refusals.service_gone("reset"),
            502,
            Code.UPSTREAM_BROKE,
            "The service closed the connection before it answered.",
            "The request may have reached the service: see its own log.",
            "reset",
        ),
        (
            refusals.service_broke("Expected HTTP/"),
            502,
            Code.UPSTREAM_BROKE,
            "The service's answer is not valid HTTP/1.1.",
            "Is the address that of an HTTPS service, and its port the right one?",
            "Expected HTTP/",
        ),
        (
            refusals.slow_service(3600),
            504,
            Code.UPSTREAM_TIMEOUT,
            "The service did not begin to answer within 3600 seconds.",
            "The limit is `timeouts.first_byte` in the configuration.",
            "",
        ),
        (
            refusals.silent_exchange(60.0),
            504,
            Code.UPSTREAM_TIMEOUT,
            "No data moved in either direction for 60 seconds.",
            "The limit is `timeouts.stream_idle` in the configuration.",
            "",
        ),
    ],
    ids=lambda value: value.code if isinstance(value, AuthProxyError) else "",
)
def test_the_data_path_says_what_is_wrong_and_what_to_do(
    error: AuthProxyError, status: int, code: Code, message: str, hint: str, detail: str
) -> None:
    assert (status, code) == (error.status, error.code)
    assert (message, hint, detail) == (error.message, error.hint, error.detail)


@pytest.mark.parametrize(
    "error",
    [
        refusals.service_gone(""),
        refusals.service_broke(""),
        refusals.slow_service(1),
        refusals.silent_exchange(1),
    ],
    ids=["gone", "broke", "slow", "silent"],
)
def test_a_service_that_had_a_connection_may_have_seen_the_request(error: AuthProxyError) -> None:
    assert getattr(error, "sent", None) is True
