import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.errors import CredentialError
from authproxy.exchange import Secret, Token
from authproxy.identity.claims import token_from_jwt

NOW = 1_800_000_000.0
WANTED = "An identity token (a JWT, three parts joined by dots, starts with eyJ) is needed"


def jwt(payload: object) -> str:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    middle = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    return f"eyJhbGciOiJSUzI1NiJ9.{middle}.c2ln"


def read(text: str, principal: str = "") -> Token:
    return token_from_jwt(text, source="fake", audience="https://a", now=NOW, principal=principal)


def refusal(text: str) -> tuple[str, str]:
    with pytest.raises(CredentialError) as caught:
        read(text)
    return caught.value.message, caught.value.hint


def test_a_token_says_who_for_whom_and_until_when() -> None:
    claims = {"aud": "https://b", "email": "me@x.example", "sub": "1", "iat": NOW - 1}
    text = jwt({**claims, "exp": NOW + 60})

    assert read(f"  {text}\n") == Token(
        value=Secret(text),
        expires_at=NOW + 60,
        audience="https://b",
        principal="me@x.example",
        source="fake",
        issued_at=NOW - 1,
    )


@pytest.mark.parametrize(
    ("claims", "fallback", "expected"),
    [
        pytest.param({"email": "e@x", "sub": "1"}, "p", "e@x", id="email first"),
        pytest.param({"sub": "1"}, "p", "1", id="then sub"),
        pytest.param({}, "p", "p", id="then what the source knows"),
        pytest.param({}, "", "unknown", id="else unknown"),
        pytest.param(
            {"email": "a\nb", "sub": "1"}, "", "1", id="a line break cannot get into logs"
        ),
        pytest.param({"email": "a" * 321, "sub": "1"}, "", "1", id="too long to be an address"),
        pytest.param({"email": 7, "sub": "1"}, "", "1", id="no text"),
    ],
)
def test_the_principal_is_the_first_name_that_is_there(
    claims: dict[str, Any], fallback: str, expected: str
) -> None:
    assert expected == read(jwt({**claims, "exp": NOW + 60}), fallback).principal


@pytest.mark.parametrize(
    ("aud", "expected"),
    [
        ("https://b", "https://b"),
        (["https://b"], "https://b"),
        (["https://b", "https://a"], "https://a"),
        (["https://b", "https://c"], "https://b, https://c"),
        ("b\n", "something that is no audience"),
        (7, "something that is no audience"),
        ([], "something that is no audience"),
        (None, "https://a"),
    ],
)
def test_the_audience_is_the_tokens_own_where_it_has_one(aud: object, expected: str) -> None:
    assert expected == read(jwt({"aud": aud, "exp": NOW + 60})).audience


@pytest.mark.parametrize("iat", [None, "x", True, -1, NOW + 61, 1e400])
def test_a_token_without_a_usable_time_of_issue_was_issued_now(iat: object) -> None:
    assert NOW == read(jwt({"iat": iat, "exp": NOW + 60})).issued_at


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        pytest.param(" \n", "fake gave nothing", f"{WANTED}.", id="nothing"),
        pytest.param(
            "ya29.secret",
            "fake gave an access token",
            f"{WANTED}: gcloud auth print-identity-token prints one.",
            id="access token",
        ),
        pytest.param(
            "<html>sign in</html>",
            "fake gave a page of HTML, not a token",
            f"{WANTED}.",
            id="error page",
        ),
        pytest.param(
            "hello",
            "fake gave 5 characters of something else, not a token",
            f"{WANTED}.",
            id="text",
        ),
        pytest.param(
            jwt({"exp": NOW + 60, "x": "y" * 16384}),
            "fake gave 21912 characters of something else, not a token",
            f"{WANTED}.",
            id="far too long",
        ),
        pytest.param(
            jwt([1]),
            "fake gave 30 characters of something else, not a token",
            f"{WANTED}.",
            id="no object",
        ),
        pytest.param(
            jwt({"sub": "1"}),
            "fake gave a token that does not say when it expires",
            f"{WANTED}, with the claim exp.",
            id="no exp",
        ),
        pytest.param(
            jwt({"exp": NOW}),
            "fake gave an identity token that expired at 2027-01-15T08:00:00Z",
            "Renew it. If it is new, set this machine's clock, which says 2027-01-15T08:00:00Z.",
            id="expired",
        ),
    ],
)
def test_what_is_no_token_is_named_but_not_shown(text: str, message: str, hint: str) -> None:
    assert (message, hint) == refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a.b", id="two parts"),
        pytest.param("a.b.c.d", id="four parts"),
        pytest.param("a.!!!.c", id="no base64"),
        pytest.param("a.é.c", id="not ASCII"),
        pytest.param("a.aGk.c", id="no JSON"),
        pytest.param("a._w.c", id="no UTF-8"),
        pytest.param(jwt("[" * 11000), id="nested too deep"),
        pytest.param(jwt('{"exp":' + "9" * 5000 + "}"), id="a number too long"),
    ],
)
def test_malformed_tokens_are_refused(text: str) -> None:
    assert f"fake gave {len(text)} characters of something else, not a token" == refusal(text)[0]


@pytest.mark.parametrize("exp", ["soon", None, True, "NaN", 1e400, float("nan"), -1, 10**300, [1]])
def test_an_expiry_that_is_no_moment_is_refused(exp: object) -> None:
    assert "fake gave a token that does not say when it expires" == refusal(jwt({"exp": exp}))[0]


@given(st.text())
def test_any_text_is_a_token_or_a_clear_error(text: str) -> None:
    with contextlib.suppress(CredentialError):
        assert text.strip() == read(text).value.reveal()


@pytest.mark.parametrize("part", [0, 2], ids=["header", "signature"])
@pytest.mark.parametrize("evil", ["\r\nX-Evil: 1", "é", " ", "+", ""], ids=ascii)
def test_only_base64url_stands_in_a_header(part: int, evil: str) -> None:
    parts = ["eyJ", "eyJleHAiOjJ9", "sig"]
    parts[part] = evil if not evil else parts[part] + evil + "x"
    with pytest.raises(CredentialError, match="not a token"):
        token_from_jwt(".".join(parts), source="test", audience="a", now=1.0)
