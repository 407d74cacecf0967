from pathlib import Path

import pytest

from authproxy.config.loading import load
from authproxy.identity.machine import Machine
from authproxy.own_use import build_proxy, for_one_client
from authproxy.settings import Settings
from authproxy.values import LOOPBACK, parse_listen

NONE = {"--credentials": "none"}
TEXT = """
allow = "10.0.0.0/8"
deny = "10.0.0.1"
trusted_proxies = "10.0.0.2"
health_path = "/up"
[limits]
connections = 5
requests_per_second = 1
[keys.ci]
file = "key"
[listeners.lan]
listen = "0.0.0.0:1"
[services.a]
url = "https://a.example"
allow = "10.0.0.0/8"
deny = "10.0.0.3"
[services.b]
url = "https://b.example"
"""


def settings(tmp_path: Path) -> Settings:
    (tmp_path / "key").write_text("k" * 40)
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "a.toml").write_text(TEXT)
    return load(urls=(), file=tmp_path / "a.toml", flags={}, environ={})


def test_what_guards_against_other_clients_falls_away(tmp_path: Path) -> None:
    before = settings(tmp_path)
    here = parse_listen("127.0.0.1:0")

    own = for_one_client(before, {"a": before.services["a"]}, listen=(here,))

    assert (here,) == own.listen
    assert ({}, {}) == (own.listeners, own.keys)
    assert (LOOPBACK, (), (), None) == (own.allow, own.deny, own.trusted_proxies, own.health_path)
    assert (0, 0) == (own.limits.connections, own.limits.requests_per_second)
    [(name, service)] = own.services.items()
    assert ("a", (), ()) == (name, service.allow, service.deny)
    assert before.services["a"].url == service.url


async def test_it_says_nothing_of_where_it_listens(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = load(urls=["http://127.0.0.1:1"], file=None, flags=NONE, environ={})
    own = for_one_client(before, before.services, listen=(parse_listen(f"unix:{tmp_path}/s"),))
    with Machine({}) as machine:
        async with build_proxy(own, [], machine) as proxy:
            assert [f"unix:{tmp_path}/s"] == proxy.urls

    assert "authproxy: " not in capfd.readouterr().err
