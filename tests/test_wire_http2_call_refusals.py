"""The sentences that only HTTP/2 needs, word for word."""

import ssl

from authproxy.errors import Code, UpstreamError
from authproxy.values import parse_origin
from authproxy.wire.http2 import call_refusals
from authproxy.wire.upstream import mismatch

ORIGIN = parse_origin("https://svc.run.app")


def test_sentences() -> None:
    another, lacking = call_refusals.another_service(), mismatch.no_http2(ORIGIN)

    assert (
        421,
        "This connection leads to another service: with HTTP/2 each service needs its own.",
        "Let the client open a connection for each service that it calls.",
    ) == (another.status, another.message, another.hint)
    assert (
        502,
        False,
        "https://svc.run.app does not speak HTTP/2, and this request came by HTTP/2.",
        "Call it with HTTP/1.1, or let it speak HTTP/2: every Cloud Run service does at its own"
        " address, and `gcloud run services update --use-http2` takes it to the container.",
    ) == (lacking.status, lacking.sent, lacking.message, lacking.hint)


def test_service_that_turns_http2_down_within_tls_is_told_from_other_failures() -> None:
    error = UpstreamError("The TLS handshake failed.", code=Code.CONNECT_FAILED, sent=False)
    assert error is call_refusals.not_connected(error, ORIGIN)

    alert = ssl.SSLError(1, "alert")
    alert.reason = "TLSV1_ALERT_NO_APPLICATION_PROTOCOL"
    error.__cause__ = alert
    assert Code.NO_HTTP2 == call_refusals.not_connected(error, ORIGIN).code


def test_service_that_breaks_the_protocol_is_told_so() -> None:
    error = call_refusals.service_broke("why", b"", ORIGIN)

    assert (502, "The service's answer is not valid HTTP/2.", "why") == (
        error.status,
        error.message,
        error.detail,
    )
