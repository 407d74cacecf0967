import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.inspector.redaction.names import HARMLESS, PARTS, WORDS, Names

NAMES = Names(["X-Customer", "iban"])


@pytest.mark.parametrize(
    "name",
    [
        *("token", "access_token", "accessToken", "id-token", "authtoken", "X-CSRF-Token"),
        *("key", "apiKey", "API_KEY", "x-api-key", "X-Goog-Signature", "client_secret", "sig"),
        *("password", "userPassword", "new_passwd", "passphrase", "code", "code_verifier", "sid"),
        *("assertion", "client_assertion", "SAMLResponse", "sessionid", "JSESSIONID", "otp"),
        *("X-Customer", "x-customer", "IBAN", "Authorization", "privateKey", "csrf"),
    ],
)
def test_name_of_a_secret_is_known(name: str) -> None:
    assert NAMES.is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        *("page", "user", "monkey", "keyboard", "encode", "author", "decoded", "shipping", "side"),
        *("content-type", "accept", "etag", "date", "Sec-Fetch-Mode", "x-request-id", ""),
    ],
)
def test_other_names_are_not_taken_for_one(name: str) -> None:
    assert not NAMES.is_secret(name)


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_fields_that_only_sound_like_it_are_shown(name: str) -> None:
    assert not NAMES.is_secret(name)


@given(
    st.sampled_from([*sorted(WORDS), *PARTS]),
    st.sampled_from(["", "x_", "my-", "a."]),
    st.booleans(),
)
def test_text_with_the_name_of_a_secret_is_never_passed_over(
    word: str, before: str, upper: bool
) -> None:
    name = before + (word.upper() if upper else word)

    assert NAMES.is_secret(name)
    assert NAMES.may_be_in(f"?{name}=1".encode())


def test_numbers_count_as_secrets_only_where_secrets_are_numbers() -> None:
    found = {
        name: NAMES.numbers_too(name) for name in ("code", "tokens", "pin", "IBAN", "password")
    }

    assert {"code": False, "tokens": False, "pin": True, "IBAN": True, "password": True} == found


def test_what_was_judged_is_forgotten_before_it_is_too_much() -> None:
    names = Names()

    assert [False] * 10_000 == [names.is_secret(f"n{number}") for number in range(10_000)]
