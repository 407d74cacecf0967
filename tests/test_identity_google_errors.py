"""The exceptions here have the shapes that google-auth gives them;
test_identity_google_credentials meets most of them in life."""

# mypy: untyped-calls-exclude=google

import json

import pytest
from google.auth.exceptions import DefaultCredentialsError, OAuthError, RefreshError, TransportError
from requests import exceptions as requests_exceptions

from authproxy.errors import CredentialError
from authproxy.identity.google.errors import CASES, Case, RequestContext, translate
from authproxy.identity.google.transport import GaveUpError

CONTEXT = RequestContext(
    source="adc", account="runner@p", target="target@p", answered=1, status=400
)
METADATA = RequestContext(source="metadata", answered=1, status=403, metadata=True)


def told(error: BaseException, context: RequestContext = CONTEXT) -> tuple[str, str]:
    result = translate(error, context)
    return result.message, result.detail


def iam(code: int, status: str, message: str, *reasons: str) -> RefreshError:
    """As impersonated_credentials raises it: the answer as Python's text of it."""
    details = [{"@type": "x", "reason": reason} for reason in reasons]
    body = {"error": {"code": code, "message": message, "status": status, "details": details}}
    return RefreshError(f"Error getting ID token: {body}")


def test_our_own_error_passes_as_it_is() -> None:
    error = CredentialError("no")

    assert error is translate(error, CONTEXT)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.needle)
def test_every_known_refusal_is_found_by_googles_words(case: Case) -> None:
    result = translate(RefreshError(f"something: {case.needle} or other"), CONTEXT)
    places = {"account": "runner@p", "target": "target@p"}

    assert (f"adc: {case.message.format_map(places)}", case.hint.format_map(places)) == (
        result.message,
        result.hint,
    )


def test_a_known_refusal_without_known_account_leaves_a_place_for_it() -> None:
    result = translate(RefreshError("Robot is disabled."), RequestContext(source="adc"))

    assert "gcloud iam service-accounts enable EMAIL" == result.hint


def test_a_wrong_clock_is_no_reason_to_stop_trying() -> None:
    words = "Invalid JWT: Token must be a short-lived token and in a reasonable timeframe."
    body = {"error": "invalid_grant", "error_description": words}
    result = translate(RefreshError(f"invalid_grant: {words}", body), CONTEXT)

    assert (
        "adc: Google refuses the time of the request: this machine's clock is wrong",
        "Set the clock, for example with: timedatectl set-ntp true",
        False,
    ) == (result.message, result.hint, result.permanent)


def test_the_subtype_tells_a_renewed_sign_in_from_a_revoked_one() -> None:
    body = {
        "error": "invalid_grant",
        "error_subtype": "rapt_required",
        "error_description": "reauth related error",
    }

    assert (
        "adc: Google requires the user to sign in again",
        "invalid_grant rapt_required reauth related error",
    ) == told(RefreshError("invalid_grant: reauth related error", body))


def test_reasons_in_the_details_count() -> None:
    error = iam(403, "PERMISSION_DENIED", "Use it first.", "SERVICE_DISABLED")

    assert (
        "adc: the IAM Credentials API is not enabled in the project",
        "PERMISSION_DENIED SERVICE_DISABLED Use it first.",
    ) == told(error)


@pytest.mark.parametrize(
    ("error", "message", "permanent"),
    [
        (
            iam(503, "UNAVAILABLE", "busy"),
            "adc: Google answered 503 instead of giving a token",
            False,
        ),
        (
            iam(429, "EXHAUSTED", "slow"),
            "adc: Google answered 429 instead of giving a token",
            False,
        ),
        (iam(400, "INVALID", "bad"), "adc: Google answered 400 instead of giving a token", True),
    ],
)
def test_iams_own_status_counts_not_that_of_the_answer_before(
    error: RefreshError, message: str, permanent: bool
) -> None:
    result = translate(error, RequestContext(source="adc", answered=1, status=200))

    assert (message, permanent) == (result.message, result.permanent)


def test_a_status_of_iam_is_not_blamed_on_the_metadata_server() -> None:
    context = RequestContext(source="metadata", answered=2, status=200, metadata=True)

    assert (
        "metadata: Google answered 404 instead of giving a token"
        == told(iam(404, "NOT_FOUND", "no"), context)[0]
    )


def test_an_iam_error_without_code_has_the_status_of_the_answer() -> None:
    error = RefreshError("Error getting ID token: {'error': {'message': 'x', 'code': 'y'}}")

    assert "adc: Google answered 400 instead of giving a token" == told(error)[0]


def test_text_that_only_looks_like_an_answer_is_taken_as_text() -> None:
    assert ("adc: Google answered 400 instead of giving a token", "Error: {what?") == told(
        RefreshError("Error: {what?")
    )


def test_the_token_exchanges_refusal_is_read() -> None:
    body = json.dumps({"error": "invalid_grant"})

    assert (
        "adc: Google no longer accepts the credentials"
        == told(OAuthError("Error code invalid_grant: The subject token is not valid.", body))[0]
    )


def test_a_refusal_of_the_metadata_server_is_its_own() -> None:
    error = RefreshError(TransportError("Failed to retrieve http://… Status: 403"))

    assert (
        "metadata: the metadata server answered 403 instead of giving a token"
        == told(error, METADATA)[0]
    )


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda cause: cause, id="as it is"),
        pytest.param(TransportError, id="carried"),
        pytest.param(lambda cause: RefreshError(TransportError(cause)), id="carried twice"),
    ],
)
def test_a_cut_connection_is_found_however_deep(wrap: type[Exception]) -> None:
    error = wrap(requests_exceptions.ReadTimeout("eyJ"))

    assert ("adc: cannot reach Google (ReadTimeout)", "") == told(error)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] …", "name its CA in REQUESTS_CA_BUNDLE."),
        ("Cannot connect to proxy.", "HTTPS_PROXY right and running?"),
    ],
)
def test_a_proxy_that_is_not_trusted_is_told_from_one_that_is_not_there(
    words: str, hint: str
) -> None:
    found = translate(TransportError(requests_exceptions.ProxyError(words)), CONTEXT)

    assert found.hint.endswith(hint)


def test_a_cut_connection_is_found_as_a_cause_too() -> None:
    error = GaveUpError()
    error.__cause__ = TransportError(requests_exceptions.ConnectTimeout())

    assert "adc: cannot reach Google (ConnectTimeout)" == told(error)[0]


def test_an_exception_that_causes_itself_ends_the_search() -> None:
    error = RefreshError("x")
    error.__cause__ = error

    assert ("adc: the credentials could not be used", "x") == told(
        error, RequestContext(source="adc")
    )


def test_out_of_time_is_told_so() -> None:
    result = translate(GaveUpError(), RequestContext(source="adc", answered=2, status=200))

    assert (
        "adc: Google takes too long to answer",
        "Is the network slow? authproxy tries again.",
        False,
    ) == (result.message, result.hint, result.permanent)


def test_googles_other_exceptions_have_their_first_words_in_the_detail() -> None:
    assert ("adc: the credentials could not be used", "no luck with ***") == told(
        DefaultCredentialsError("no luck with ya29.secret"), RequestContext(source="adc")
    )


def test_a_google_exception_without_words_has_its_type() -> None:
    assert ("adc: the credentials could not be used", "RefreshError") == told(
        RefreshError(), RequestContext(source="adc")
    )


def test_what_nobody_foresaw_is_named_without_its_text() -> None:
    result = translate(RuntimeError("ya29.secret"), RequestContext(source="adc"))

    assert "adc failed unexpectedly (RuntimeError)" == result.message


def test_no_refusal_shows_what_the_answer_carried() -> None:
    error = RefreshError("No ID token in response.", {"access_token": "ya29.secret"})
    result = translate(error, CONTEXT)

    assert "secret" not in f"{result!r} {result.detail} {result.hint}"
