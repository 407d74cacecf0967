from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.values import (
    CLOUD_PLATFORM,
    PLAIN_SOURCES,
    CredentialsSpec,
    SecretRef,
    parse_audience,
    parse_credentials,
    parse_email,
    parse_file,
    parse_header_name,
    parse_local_secret_ref,
    parse_scope,
    parse_secret_header,
    parse_secret_ref,
    parse_service_name,
    quoted,
)

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2ln"


def sentence_of(parse: Callable[[str], object], text: str) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- the whole sentence is compared
        parse(text)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [*PLAIN_SOURCES, "file:/k.json", "token-file:/t", "token-env:T", "command:vault read 'a b'"],
)
def test_credentials_survive_their_own_text(text: str) -> None:
    assert text == str(parse_credentials(text))


def test_blanks_around_credentials_do_not_count() -> None:
    assert CredentialsSpec("file", "/k.json") == parse_credentials(" file: /k.json ")


KNOWN = (
    "the sources are auto, adc, metadata, gcloud, none, file:…, token-file:…, token-env:…,"
    " command:…"
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("gclod", f'"gclod" is not a source of tokens; {KNOWN}; did you mean "gcloud"?'),
        ("", f"this is not a source of tokens; {KNOWN}"),
        (JWT, f"this is not a source of tokens; {KNOWN}"),
        ("auto:x", '"auto" takes nothing after it; write auto'),
        ("file:", '"file:" needs the path of a service account\'s key file after the colon'),
        (
            "token-env",
            '"token-env:" needs the name of an environment variable that holds an identity token'
            " after the colon",
        ),
        ("file:a\0b", "needs a path, as in file:/run/secrets/NAME"),
        (f"token-env:{JWT}", "token-env: needs the name of an environment variable, not the token"),
        ("command:a 'b", "command: has a quotation mark or backslash without its end"),
    ],
)
def test_what_is_no_source_is_refused_and_no_token_repeated(text: str, sentence: str) -> None:
    assert sentence == sentence_of(parse_credentials, text)


@pytest.mark.parametrize("text", ["env:KEY", "file:/run/key", "file:a:b"])
def test_a_reference_to_a_secret_survives_its_own_text(text: str) -> None:
    assert text == str(parse_secret_ref(text))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("env:", "env: needs the name of an environment variable that holds the key"),
        ("env:hunter-2", "env: needs the name of an environment variable that holds the key"),
        ("file:", "file: needs the path of a file that holds the key"),
        ("file:\0", "file: needs the path of a file that holds the key"),
        ("", "is empty; write env:NAME"),
        ("secret:projects/acme/secrets/x", '"acme" is not a project\'s id'),
    ],
)
def test_a_broken_reference_to_a_secret_is_explained(text: str, sentence: str) -> None:
    found = sentence_of(parse_secret_ref, text)

    assert found.startswith(sentence)
    assert "hunter" not in found


@pytest.mark.parametrize("text", ["hunter2", "x:y"])
def test_a_secret_in_clear_is_refused_without_repeating_it(text: str) -> None:
    assert (
        "a key must not be written here; put it into an environment variable, a file or Secret"
        " Manager, and write env:NAME, file:PATH or secret:projects/PROJECT/secrets/NAME"
    ) == sentence_of(parse_secret_ref, text)


def test_a_secret_of_secret_manager_is_its_latest_version_unless_one_is_named() -> None:
    latest = parse_secret_ref("secret:projects/acme-prod/secrets/key")

    assert "secret:projects/acme-prod/secrets/key/versions/latest" == str(latest)
    assert latest == parse_secret_ref(str(latest))


def test_a_header_with_a_secret_has_a_name_and_a_reference() -> None:
    found = parse_secret_header("X-Partner-Key: env:PARTNER_KEY")

    assert ("X-Partner-Key", SecretRef("env", "PARTNER_KEY")) == found


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "X-Partner-Key",
            'this is not a header; write it as in "X-Partner-Key: env:PARTNER_KEY"',
        ),
        ("auto: env:KEY", "needs a header's name, as in X-Partner-Key"),
        ("Host: env:KEY", "Host has another meaning and cannot carry a credential"),
        (
            "X-Partner-Key: hunter2",
            "a key must not be written here; put it into an environment variable, a file or"
            " Secret Manager, and write env:NAME, file:PATH or"
            " secret:projects/PROJECT/secrets/NAME",
        ),
    ],
)
def test_what_is_no_header_with_a_secret_is_refused(text: str, sentence: str) -> None:
    assert sentence == sentence_of(parse_secret_header, text)


@pytest.mark.parametrize(
    ("text", "expected"), [("X-Api-Key", "X-Api-Key"), ("AUTO", "auto"), ("x_y!", "x_y!")]
)
def test_a_header_name_is_read(text: str, expected: str) -> None:
    assert expected == parse_header_name(text)


@pytest.mark.parametrize("text", ["", "X Y", "X:Y", f"Bearer {JWT}", "X" * 101])
def test_what_is_no_header_name_is_refused_without_repeating_it(text: str) -> None:
    expected = "this is not a header name; write a name as in X-Serverless-Authorization"

    assert expected == sentence_of(parse_header_name, text)


@pytest.mark.parametrize("text", ["Host", "content-length", "Cookie", "X-Forwarded-For"])
def test_a_header_with_a_meaning_cannot_carry_a_credential(text: str) -> None:
    expected = f"{text} has another meaning and cannot carry a credential"

    assert expected == sentence_of(parse_header_name, text)


@pytest.mark.parametrize("text", ["a", "billing-2", "0", "a" * 63])
def test_a_dns_label_is_a_service_name(text: str) -> None:
    assert text == parse_service_name(text)


@pytest.mark.parametrize("text", ["", "Billing", "a.b", "a_b", "-a", "a-", "a" * 64])
def test_another_service_name_is_refused(text: str) -> None:
    assert (
        "cannot be a service's name; write lower-case letters, digits and hyphens, 63 at most"
        in (sentence_of(parse_service_name, text))
    )


@pytest.mark.parametrize("text", ["https://a.run.app", "123-x.apps.googleusercontent.com"])
def test_an_audience_is_taken_as_it_is(text: str) -> None:
    assert text == parse_audience(text)


@pytest.mark.parametrize("text", ["", "a b", "a\n"])
def test_an_audience_is_one_word(text: str) -> None:
    assert "must be one word, as in https://SERVICE.run.app" == sentence_of(parse_audience, text)


def test_a_service_accounts_address_is_taken_as_it_is() -> None:
    assert "a@p.iam.gserviceaccount.com" == parse_email("a@p.iam.gserviceaccount.com")


@pytest.mark.parametrize("text", ["a", "a@b", "a/b@p.iam", "a@p.iam/x", "a b@p.iam"])
def test_what_is_no_service_account_is_refused(text: str) -> None:
    expected = f'"{text}" is not a service account; write NAME@PROJECT.iam.gserviceaccount.com'

    assert expected == sentence_of(parse_email, text)


def test_a_file_is_a_path() -> None:
    assert Path("/a") == parse_file("/a")


def test_a_reference_and_a_source_are_values() -> None:
    assert SecretRef("env", "K") == parse_secret_ref("env:K")
    assert CredentialsSpec("auto") == parse_credentials("auto")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (" ", "is empty; write env:NAME or file:PATH"),
        (
            "hunter2",
            "a key must not be written here; put it into an environment variable or a file",
        ),
        ("env:hunter-2", "env: needs the name of an environment variable that holds the key"),
        ("secret:projects/acme-prod/secrets/x", "must be at hand when Google is not"),
    ],
)
def test_what_must_be_at_hand_is_in_a_variable_or_a_file(text: str, sentence: str) -> None:
    found = sentence_of(parse_local_secret_ref, text)

    assert found.startswith(sentence)
    assert "hunter" not in found
    assert SecretRef("file", "/k") == parse_local_secret_ref("file:/k")


@pytest.mark.parametrize(
    "parse",
    [
        parse_local_secret_ref,
        parse_credentials,
        parse_secret_ref,
        parse_header_name,
        parse_email,
        parse_audience,
        parse_file,
    ],
)
@given(text=st.text() | st.from_regex(r"(file|token-env|command|env|auto|token-file):.*"))
def test_nothing_but_a_value_error_comes_of_any_text(
    parse: Callable[[str], object], text: str
) -> None:
    with suppress(ValueError):
        parse(text)


def test_a_scope_is_taken_as_it_is() -> None:
    assert CLOUD_PLATFORM == parse_scope(CLOUD_PLATFORM)


@pytest.mark.parametrize("text", ["", "two scopes", 'a"b', "a\\b", "a\nb", "é"])
def test_what_is_no_scope_is_refused(text: str) -> None:
    assert (
        f"{quoted(text)} is not a scope; write one as in"
        " https://www.googleapis.com/auth/cloud-platform"
    ) == sentence_of(parse_scope, text)
