from ipaddress import ip_network
from pathlib import Path

import pytest

from authproxy.config.files import network_lists
from authproxy.config.files.network_lists import MAX_NETWORKS, read_networks
from authproxy.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deny.txt"


def complaints(file: Path, at_most: int = MAX_NETWORKS) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_networks(file, key="deny_file", where="authproxy.toml:3", at_most=at_most)
    return [str(problem).replace(f"{file.parent}/", "") for problem in caught.value.problems]


def test_each_line_is_a_network(file: Path) -> None:
    file.write_bytes(
        b"\xef\xbb\xbf# who may not\n"
        b"10.0.0.0/8\r\n"
        b"\n"
        b"  192.0.2.7  # the one from last week\n"
        b"#10.1.0.0/16\n"
        b"2001:db8::/32\n"
        b"::ffff:10.0.0.0/104\n"
        b"10.1.2.3/16"
    )

    expected = ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32", "10.0.0.0/8", "10.1.0.0/16"]
    assert tuple(map(ip_network, expected)) == read_networks(file, key="deny_file")


def test_a_file_may_be_empty(file: Path) -> None:
    file.touch()

    assert () == read_networks(file, key="deny_file")


ENDING = " is not an address or a CIDR range; write 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32"


def test_every_bad_line_is_named(file: Path) -> None:
    file.write_text("10.0.0.0/8\n\n10.0.0.0/33 # too long\n1\u202810.0.0.1\n::1%eth0\n")

    assert complaints(file) == [
        f'deny.txt:3: deny_file: "10.0.0.0/33"{ENDING}; the number behind the slash is 32 at most',
        f'deny.txt:4: deny_file: "1?10.0.0.1"{ENDING}; did you mean "10.0.0.1"?',
        f"deny.txt:5: deny_file: this{ENDING}; without the zone: ::1",
    ]


@pytest.mark.parametrize(
    "secret",
    ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIB", "0123456789abcdef", "eyJhbGci.e30.x"],
)
def test_a_line_that_could_be_a_secret_is_not_repeated(file: Path, secret: str) -> None:
    file.write_text(f"-----BEGIN PRIVATE KEY-----\n{secret}\n")

    assert f"deny.txt:2: deny_file: this{ENDING}" == complaints(file)[1]
    assert secret not in "".join(complaints(file))


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("10.0.0.0/8, 10.1.0.0/16", "; write each on a line of its own"),
        ("10.0.0.1 - 10.0.0.9", "; write each on a line of its own"),
        ("10.0.0.0-10.0.1.255", '; did you mean "10.0.0.0/23"?'),
        ("10.0.0.0 – 10.0.0.255", '; did you mean "10.0.0.0/24"?'),
        ("10.0.0.1-10.0.0.9", ""),
        ("10.0.0.9-10.0.0.1", ""),
        ("10.0.*.*", '; did you mean "10.0.0.0/16"?'),
        ("10.*", '; did you mean "10.0.0.0/8"?'),
        ("10.0/16", '; did you mean "10.0.0.0/16"?'),
        ("300/8", ""),
        ("deny 10.0.0.0/8;", '; did you mean "10.0.0.0/8"?'),
        ('  "2001:db8::/32",', '; did you mean "2001:db8::/32"?'),
        ("010.0.0.1", ""),
    ],
)
def test_what_was_perhaps_meant_is_said(file: Path, line: str, advice: str) -> None:
    file.write_text(line)

    (told,) = complaints(file)
    assert advice == told.partition(" or 2001:db8::/32")[2]


def test_a_file_of_another_kind_is_not_read_to_its_end(file: Path) -> None:
    file.write_text("x\n" * 100_000)

    told = complaints(file)
    assert 11 == len(told)
    expected = "deny.txt:10: deny_file: reading stopped here; is it the right file?"
    assert expected == told[-1]


def test_a_list_has_an_end(file: Path) -> None:
    file.write_text("::1\n" * 4)

    expected = "deny.txt:4: deny_file: these are more than 3 networks; is it the right file?"
    assert [expected] == complaints(file, at_most=3)


def test_a_file_that_cannot_be_read_is_a_problem_of_the_setting(file: Path) -> None:
    assert ['authproxy.toml:3: deny_file: there is no file "deny.txt"'] == complaints(file)


def test_a_file_that_vanished_since_is_a_problem_of_its_own(file: Path) -> None:
    with pytest.raises(ConfigError, match=rf'^{file}: deny_file: there is no file "{file}"$'):
        read_networks(file, key="deny_file")


def test_a_file_that_is_too_large_is_not_read(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(network_lists.MAX_BYTES + 1)

    expected = '"deny.txt" is larger than 16384 KiB; is it the right file?'
    assert [f"authproxy.toml:3: deny_file: {expected}"] == complaints(file)
