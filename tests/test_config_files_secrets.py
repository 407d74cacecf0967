from collections.abc import Mapping
from pathlib import Path

import pytest

from authproxy.config.files.secrets import resolve_secret
from authproxy.errors import StartError
from authproxy.values import SecretRef

HUNTER = "hunter2"


def from_environment(value: str | None) -> str:
    environ: Mapping[str, str] = {} if value is None else {"KEY": value}
    return resolve_secret(SecretRef("env", "KEY"), environ).reveal()


def from_file(path: Path) -> str:
    return resolve_secret(SecretRef("file", str(path)), {}).reveal()


@pytest.mark.parametrize("text", [HUNTER, f"{HUNTER}\n", f"{HUNTER}\r\n"])
def test_one_line_end_is_dropped(text: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(text.encode())

    assert from_environment(text) == from_file(tmp_path / "key") == HUNTER


def test_blanks_inside_belong_to_the_key() -> None:
    assert "Basic aHVudGVyMg==" == from_environment("Basic aHVudGVyMg==")


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "the environment variable KEY is not set"),
        ("", "the environment variable KEY is empty"),
        ("\n", "the environment variable KEY is empty"),
        (f"{HUNTER}\n\n", "env:KEY has more than one line; a key is one line"),
        (f"a\r\n{HUNTER}", "env:KEY has more than one line; a key is one line"),
        (f" {HUNTER}", "env:KEY begins or ends with a blank; remove it"),
        (f"{HUNTER}\t\n", "env:KEY begins or ends with a blank; remove it"),
        (
            f"{HUNTER}\0x",
            "env:KEY has a character that is not allowed in a header; a key is printable ASCII",
        ),
        (
            f"{HUNTER}ü",
            "env:KEY has a character that is not allowed in a header; a key is printable ASCII",
        ),
    ],
)
def test_a_key_that_cannot_be_sent_is_named_but_not_shown(value: str | None, sentence: str) -> None:
    with pytest.raises(StartError) as caught:
        from_environment(value)

    assert sentence == str(caught.value)
    assert HUNTER not in repr(caught.value.__cause__)


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(" \n")

    with pytest.raises(StartError) as caught:
        from_file(tmp_path / "key")

    assert f'"{tmp_path}/key" is empty; write the key into it' == str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r'^there is no file "'):
        from_file(tmp_path / "key")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe\x00k")

    with pytest.raises(StartError, match="has a character that is not allowed in a header"):
        from_file(tmp_path / "key")
