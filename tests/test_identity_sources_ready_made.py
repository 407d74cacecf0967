from pathlib import Path

import pytest

from authproxy.errors import CredentialError
from authproxy.identity.clock_skew import Skew
from authproxy.identity.machine import Machine
from authproxy.identity.sources.ready_made import TokenEnv, TokenFile
from tests.support.jwt import unsigned_jwt


def failure(source: TokenFile | TokenEnv) -> CredentialError:
    with pytest.raises(CredentialError) as caught:
        source.mint("https://a")
    return caught.value


def test_a_files_token_is_read_anew_for_each_mint(tmp_path: Path) -> None:
    path = tmp_path / "token"
    source = TokenFile(path, Skew())
    path.write_text(unsigned_jwt(aud="https://a", email="one@x") + "\n")
    one = source.mint("https://a")
    path.write_text(unsigned_jwt(aud="https://a", email="two@x"))
    two = source.mint("https://a")

    assert ("one@x", "two@x", f"token-file:{path}") == (one.principal, two.principal, one.source)


def test_a_file_with_an_expired_token_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(unsigned_jwt(exp=1))

    assert (
        f"token-file:{path} gave an identity token that expired at 1970-01-01T00:00:01Z"
        == failure(TokenFile(path, Skew())).message
    )


def test_an_endless_file_is_not_read_to_its_end() -> None:
    error = failure(TokenFile(Path("/dev/zero"), Skew()))

    assert (
        "token-file:/dev/zero gave 16385 characters of something else, not a token" == error.message
    )


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    error = failure(TokenFile(tmp_path / "none", Skew()))

    assert (
        f"token-file:{tmp_path}/none: there is no such file",
        "Is the path right?",
        True,
    ) == (error.message, error.hint, error.permanent)


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    error = failure(TokenFile(tmp_path, Skew()))

    assert (
        f"token-file:{tmp_path}: the file cannot be read (Is a directory)",
        "It must be the path of a plain file.",
    ) == (error.message, error.hint)


def test_a_variables_token_is_read_at_each_mint() -> None:
    environ = {"TOKEN": unsigned_jwt(aud="https://a")}
    source = TokenEnv("TOKEN", Machine(environ))

    assert ("me@x.example", "token-env:TOKEN") == (
        source.mint("https://a").principal,
        source.mint("https://a").source,
    )


def test_a_missing_variable_is_an_error_with_the_line_that_sets_it() -> None:
    error = failure(TokenEnv("TOKEN", Machine({})))

    assert (
        "token-env:TOKEN: the environment variable TOKEN is not set",
        "export TOKEN=$(gcloud auth print-identity-token)",
        True,
    ) == (error.message, error.hint, error.permanent)
