"""What authproxy relies on in google-auth beyond its documentation."""

# mypy: untyped-calls-exclude=google

import ast
import inspect
import json
import logging
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from google.auth import exceptions, external_account, iam, impersonated_credentials
from google.auth.compute_engine import IDTokenCredentials as MetadataCredentials
from google.auth.transport import requests as google_requests
from google.oauth2.credentials import Credentials as UserCredentials

from authproxy.identity.clock_skew import Skew
from authproxy.identity.google.transport import GaveUpError, Request
from tests.support.jwt import unsigned_jwt

USER = {"refresh_token": "1//x", "client_id": "c", "client_secret": "s"}


class Canned:
    """A transport that answers by path's last word, and keeps what it was asked."""

    def __init__(self, answers: Mapping[str, tuple[int, str, str]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, url: str, method: str = "GET", **_: Any) -> SimpleNamespace:
        self.asked.append(f"{method} {url}")
        status, kind, text = next(v for k, v in self.answers.items() if k in url)
        return SimpleNamespace(status=status, headers={"content-type": kind}, data=text.encode())


def json_answer(status: int, body: object) -> tuple[int, str, str]:
    return status, "application/json", json.dumps(body)


def test_a_users_credentials_carry_the_id_token_after_refresh() -> None:
    jwt = unsigned_jwt()
    credentials = UserCredentials.from_authorized_user_info(USER)
    body = {"access_token": "ya29.x", "expires_in": 3599, "id_token": jwt}
    credentials.refresh(Canned({"token": json_answer(200, body)}))

    assert jwt == credentials.id_token


def test_a_refusal_is_the_exceptions_second_argument() -> None:
    body = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
    with pytest.raises(exceptions.RefreshError) as caught:
        UserCredentials.from_authorized_user_info(USER).refresh(
            Canned({"token": json_answer(400, body)})
        )

    assert ("invalid_grant: Token has been expired or revoked.", body) == caught.value.args


def test_metadata_credentials_ask_for_an_unbound_token_in_full() -> None:
    account = json_answer(200, {"email": "m@p"})
    canned = Canned({"recursive": account, "identity": (200, "text/html", unsigned_jwt())})
    MetadataCredentials(
        canned, "https://a", use_metadata_identity_endpoint=True, bind_id_token=False
    ).refresh(canned)

    assert [True, True] == [
        canned.asked[0].endswith("/instance/service-accounts/default/?recursive=true"),
        canned.asked[1].endswith("/default/identity?audience=https%3A%2F%2Fa&format=full"),
    ]


def test_an_exception_that_google_auth_does_not_know_ends_its_retries() -> None:
    calls = []

    def request(**_: object) -> None:
        calls.append(1)
        raise GaveUpError

    with pytest.raises(GaveUpError):
        MetadataCredentials(request, "https://a", use_metadata_identity_endpoint=True)

    assert [1] == calls


def test_impersonations_refusal_is_pythons_text_of_the_answer() -> None:
    source = inspect.getsource(impersonated_credentials.IDTokenCredentials.refresh)

    assert '"Error getting ID token: {}".format(response.json())' in source
    assert {"a": None} == ast.literal_eval(str({"a": None}))


def test_impersonation_takes_the_source_credentials_and_the_chain_as_they_are() -> None:
    source = UserCredentials.from_authorized_user_info(USER)
    credentials = impersonated_credentials.Credentials(
        source, "t@p", [], delegates=["projects/-/serviceAccounts/v@p"]
    )

    assert ("t@p", ["projects/-/serviceAccounts/v@p"], "1//x", "googleapis.com") == (
        credentials.signer_email,
        credentials._delegates,
        credentials._source_credentials.refresh_token,
        credentials.universe_domain,
    )
    assert iam._IAM_IDTOKEN_ENDPOINT.startswith("https://iamcredentials.googleapis.com/v1/")


def test_a_federated_files_impersonation_is_in_keys_that_start_alike() -> None:
    parameters = inspect.signature(external_account.Credentials.__init__).parameters

    assert {name for name in parameters if name.startswith("service_account_impersonation")} == {
        "service_account_impersonation_url",
        "service_account_impersonation_options",
    }


def test_a_request_that_cannot_be_copied_keeps_the_background_lookup_from_starting() -> None:
    from google.auth._regional_access_boundary_utils import (
        _RegionalAccessBoundaryRefreshManager as Manager,
    )

    request = Request(direct=True, skew=Skew())
    manager = Manager()
    manager.start_refresh(None, request, None)
    request.close()

    assert None is manager._worker


@pytest.fixture
def google_logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("google")
    before = logger.level, logger.propagate
    yield logger
    logger.setLevel(before[0])
    logger.propagate = before[1]


def test_a_google_logger_with_a_level_keeps_handing_its_lines_up(
    google_logger: logging.Logger,
) -> None:
    """Without one, google-auth cuts it off from our handlers when first used."""
    google_logger.propagate = True
    request = Request(direct=True, skew=Skew())
    with pytest.raises(exceptions.TransportError):
        request("http://127.0.0.1:9/")
    request.close()

    assert (True, True) == (google_logger.propagate, google_logger.level >= logging.INFO)


def test_google_auths_request_takes_its_arguments_in_this_order() -> None:
    parameters = list(inspect.signature(google_requests.Request.__call__).parameters)

    assert ["self", "url", "method", "body", "headers", "timeout"] == parameters[:6]
