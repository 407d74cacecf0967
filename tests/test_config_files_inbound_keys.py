from pathlib import Path

import pytest

from authproxy.config.files.inbound_keys import read_keys
from authproxy.errors import ConfigError

KEY = "apk_0123456789012345678901"


def test_keys_are_read_one_to_a_line(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"\n {KEY}a \r\n{KEY}b")

    assert [f"{KEY}a", f"{KEY}b"] == read_keys(file, "ci")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            b"hunter2",
            ":1: keys.ci.file: the key is shorter than 22 characters; authproxy key makes",
        ),
        (b"\n", " is empty; write a key into it: authproxy key makes one"),
        ("é".encode() * 30, ": keys.ci.file: is no text in ASCII; write one key to a line"),
        (None, "keys.ci.file: "),
    ],
)
def test_what_is_no_key_is_said_without_repeating_it(
    content: bytes | None, sentence: str, tmp_path: Path
) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        read_keys(file, "ci")

    assert sentence in str(raised.value)
    assert "hunter2" not in str(raised.value)
