"""What the settings say about who may pass, as the data path knows it."""

from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

from authproxy.access import addresses, listener_rules, service_access
from authproxy.wire.upstream import Upstream
from tests.support.configuring import settings

CONFIG = """
trusted_proxies = ["10.0.0.1"]
deny = ["192.0.2.9"]
[listeners.lan]
listen = "localhost:81"
service = "a"
allow = ["192.0.2.0/24"]
deny = ["192.0.2.8"]
[services.a]
url = "https://a"
[services.b]
url = "https://b.example"
path = "/b"
deny = ["192.0.2.7"]
"""


def test_a_listeners_rules_are_its_own_on_top_of_those_for_all(tmp_path: Path) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text(CONFIG)
    found = settings(file=file, flags={"--listen": ("80",)})
    upstreams = cast(dict[str, Upstream], {"a": "A", "b": "B"})
    plain, lan = (listener_rules(each, found, upstreams) for each in found.every_listener)

    assert [True, False, False] == [
        passes(plain, a) for a in ("127.0.0.1", "192.0.2.1", "192.0.2.9")
    ]
    assert [False, True, False, False] == [
        passes(lan, a) for a in ("127.0.0.1", "192.0.2.1", "192.0.2.8", "192.0.2.9")
    ]
    assert ["B", "A"] == [target(rules, "b.example") for rules in (plain, lan)]
    assert ["B", "A"] == [target(rules, "localhost", b"/b/c") for rules in (plain, lan)]
    assert ip_address("10.0.0.1") in lan.trusted


def test_a_service_narrows_only_if_it_says_so(tmp_path: Path) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text(CONFIG)
    services = settings(file=file).services

    assert service_access(services["a"]) is None
    narrowed = service_access(services["b"])
    assert narrowed is not None
    assert narrowed.find_refusal(ip_address("192.0.2.7")) is not None
    assert narrowed.find_refusal(ip_address("192.0.2.6")) is None


def passes(rules: Any, address: str) -> bool:
    return rules.access.find_refusal(ip_address(address)) is None


def target(rules: Any, host: str, path: bytes = b"/") -> object:
    return rules.routes.get(host, None).find(path).service


def test_each_service_has_the_address_to_ask_for(tmp_path: Path) -> None:
    file = tmp_path / "authproxy.toml"
    file.write_text(CONFIG)
    found = settings(file=file, flags={"--listen": ("80",)})
    plain, lan = found.every_listener

    assert [("a", "http://a.localhost:80"), ("b", "http://127.0.0.1:80/b")] == list(
        addresses("http://127.0.0.1:80", plain, found)
    )
    assert [("a", "http://127.0.0.1:81")] == list(addresses("http://127.0.0.1:81", lan, found))
    assert [("a", "unix:/s"), ("b", "unix:/s")] == list(addresses("unix:/s", plain, found))
