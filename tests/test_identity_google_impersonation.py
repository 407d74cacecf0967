"""generateIdToken, asked through a transport that the test answers for."""

# mypy: untyped-calls-exclude=google

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from google.auth.exceptions import RefreshError
from google.oauth2.credentials import Credentials as UserCredentials

from authproxy.identity.google.impersonation import actor, identity_token

USER = {"refresh_token": "1//x", "client_id": "c", "client_secret": "s"}


class Google:
    """Answers generateIdToken in turn; the token endpoint gives a new access token each time."""

    def __init__(self, *answers: tuple[int, str]) -> None:
        self.answers = list(answers)
        self.urls: list[str] = []
        self.bodies: list[object] = []
        self.authorizations: list[str] = []
        self.made = 0

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> SimpleNamespace:
        assert method == "POST"
        if "generateIdToken" not in url:
            self.made += 1
            text = json.dumps({"access_token": f"ya29.{self.made}", "expires_in": 3599})
            return SimpleNamespace(status=200, data=text.encode(), headers={})
        self.urls.append(url)
        self.bodies.append(json.loads(body))
        self.authorizations.append((headers or {})["authorization"])
        status, text = self.answers.pop(0)
        return SimpleNamespace(status=status, data=text.encode(), headers={})


def mint(google: Any, *delegates: str) -> str:
    user = UserCredentials.from_authorized_user_info(USER)
    return identity_token(actor(user, "t@p", delegates), "https://a", google)


def test_the_target_is_asked_for_with_its_email_through_its_delegates() -> None:
    google = Google((200, '{"token": "jwt"}'))

    assert "jwt" == mint(google, "v@p")
    assert (
        ["https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/t@p:generateIdToken"],
        ["Bearer ya29.1"],
        [
            {
                "audience": "https://a",
                "delegates": ["projects/-/serviceAccounts/v@p"],
                "includeEmail": True,
            }
        ],
    ) == (google.urls, google.authorizations, google.bodies)


def test_another_universe_has_hosts_of_its_own() -> None:
    google: Any = Google((200, '{"token": "jwt"}'))
    elsewhere = SimpleNamespace(
        universe_domain="u.example",
        signer_email="t@p",
        _delegates=None,
        _source_credentials=UserCredentials.from_authorized_user_info(USER),
    )
    identity_token(elsewhere, "https://a", google)

    assert google.urls[0].startswith("https://iamcredentials.u.example/v1/")


def test_an_access_token_that_is_refused_is_replaced_once() -> None:
    google = Google((401, "{}"), (200, '{"token": "jwt"}'))

    assert ("jwt", ["Bearer ya29.1", "Bearer ya29.2"]) == (mint(google), google.authorizations)


def test_one_that_is_refused_again_is_a_failure() -> None:
    google = Google((401, "{}"), (401, '{"error": {"code": 401}}'))
    with pytest.raises(RefreshError) as caught:
        mint(google)

    assert ("generateIdToken was refused", {"error": {"code": 401}}) == caught.value.args
    assert 2 == len(google.urls)


@pytest.mark.parametrize("text", ["<p>oops</p>", "[1]", "[" * 100_000, "", '"x"'])
@pytest.mark.parametrize("status", [200, 403, 502])
def test_what_is_no_answer_of_googles_is_never_shown(status: int, text: str) -> None:
    with pytest.raises(RefreshError) as caught:
        mint(Google((status, text)))

    said = "No ID token in response." if status == 200 else "generateIdToken was refused"
    assert (said, {}) == caught.value.args


def test_a_token_that_is_no_text_is_none() -> None:
    with pytest.raises(RefreshError, match="No ID token in response"):
        mint(Google((200, '{"token": null}')))
