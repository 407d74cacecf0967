from pathlib import Path

import pytest

from authproxy.errors import CredentialError
from authproxy.identity.clock_skew import Skew
from authproxy.identity.google.google_source import Google


def test_the_file_of_a_subject_token_is_one_of_its_paths_once_it_is_known() -> None:
    info = {"type": "gdch", "credential_source": {"file": "/run/subject"}}
    google = Google("file:w.json", lambda: info, skew=Skew(), paths=[Path("w.json")])
    assert [Path("w.json")] == list(google.paths)

    with pytest.raises(CredentialError, match='credentials of type "gdch" cannot be used'):
        google.mint("https://a")

    assert [Path("w.json"), Path("/run/subject")] == list(google.paths)
