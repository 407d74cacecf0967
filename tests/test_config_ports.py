"""Which port a listener gets."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.configuring import URL, problems, settings


def listening(
    *,
    file: Path | None = None,
    environ: Mapping[str, str],
    listen: Sequence[str] = (),
    port: str | None = None,
) -> list[str]:
    flags = {"--listen": tuple(listen), "--port": port}
    found = settings(urls=[URL], file=file, flags=flags, environ=environ)
    return [str(each.listen) for each in found.every_listener]


@pytest.mark.parametrize(
    ("environ", "listen", "port", "expected"),
    [
        ({}, (), None, ["localhost:8080"]),
        ({"PORT": "1"}, (), None, ["localhost:1"]),
        ({"PORT": "1", "AUTHPROXY_PORT": "2"}, (), None, ["localhost:2"]),
        ({"PORT": "1", "AUTHPROXY_PORT": "2"}, (), "3", ["localhost:3"]),
        ({"PORT": "1"}, ("81",), None, ["localhost:81"]),
        ({"AUTHPROXY_LISTEN": "127.0.0.1:81"}, (), "3", ["127.0.0.1:3"]),
        ({"AUTHPROXY_PORT": "2"}, ("127.0.0.1", "82"), None, ["127.0.0.1:2", "localhost:82"]),
        ({}, ("127.0.0.1", "unix:/a"), "3", ["127.0.0.1:3", "unix:/a"]),
        ({"AUTHPROXY_PORT": "tcp://10.0.0.1:80"}, (), None, ["localhost:8080"]),
    ],
)
def test_the_port_of_the_highest_place_counts(
    environ: dict[str, str], listen: tuple[str, ...], port: str | None, expected: list[str]
) -> None:
    assert expected == listening(environ=environ, listen=listen, port=port)


@pytest.mark.parametrize(("environ", "port"), [({}, "3"), ({"AUTHPROXY_PORT": "3"}, None)])
def test_a_port_beats_the_one_in_the_file(
    environ: dict[str, str], port: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text('listen = "127.0.0.1:81"\n[listeners.b]\nlisten = "82"\n')

    assert ["127.0.0.1:3", "localhost:82"] == listening(file=file, environ=environ, port=port)


@pytest.mark.parametrize("listen", [("81",), ("unix:/a",), ("systemd",)])
def test_a_port_that_no_listener_takes_is_a_problem(listen: tuple[str, ...]) -> None:
    [problem] = problems(urls=[URL], flags={"--listen": listen, "--port": "3"})

    assert problem.startswith("command line: --port: has no effect: no listener waits for a port")
