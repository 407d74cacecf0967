from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from authproxy.errors import ConfigError
from authproxy.file_watch import FileWatch
from authproxy.runtime.access_lists import ListSources


def test_a_list_is_made_of_what_is_written_down_and_of_all_files(tmp_path: Path) -> None:
    allow, deny = tmp_path / "allow", tmp_path / "deny"
    allow.write_text("10.0.0.0/8\n")
    deny.write_text("10.1.0.0/16\n")
    sources = ListSources(
        allow=(ip_network("192.0.2.0/24"),), allow_files=(allow,), deny_files=(deny,)
    )

    found = sources.combine([part.read() for part in sources.parts])
    asked = ("10.2.0.1", "192.0.2.1", "10.1.0.1", "198.51.100.1")
    passing = [text for text in asked if found.find_refusal(ip_address(text)) is None]
    assert ["10.2.0.1", "192.0.2.1"] == passing
    assert [(allow,), (deny,)] == [part.files for part in sources.parts]


def test_what_is_wrong_in_all_files_is_said_at_once(tmp_path: Path) -> None:
    sources = ListSources(allow_files=(tmp_path / "a",), deny_files=(tmp_path / "d",))
    with pytest.raises(ConfigError) as caught:
        FileWatch().add_each(sources.parts, sources.combine, lambda _: None)

    assert ["allow_file", "deny_file"] == [problem.key for problem in caught.value.problems]
