import os
from pathlib import Path

import pytest

from authproxy.errors import CredentialError
from authproxy.identity.files import read_text


def test_no_more_is_read_than_wanted_and_what_is_no_text_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"ab\xffcd")

    assert "ab\ufffdc" == read_text(file, limit=4, name="f")


def test_a_file_of_somebody_else_is_an_error_that_says_whose_it_must_be() -> None:
    class Guarded(Path().__class__):  # type: ignore[misc]  # -- the class depends on the platform
        """A file that may not be read; the tests may run as root, whom no mode keeps out."""

        def open(self, *_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

    uid = os.geteuid()
    with pytest.raises(CredentialError) as caught:
        read_text(Guarded("/key"), limit=1, name="file:/key")

    assert (
        f"file:/key: the file may not be read by user {uid}",
        f"Make it readable: chown {uid} /key",
    ) == (caught.value.message, caught.value.hint)
