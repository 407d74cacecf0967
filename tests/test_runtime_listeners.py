"""What the settings say about who may pass, as the data path knows it."""

import os
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from authproxy.file_watch import FileWatch
from authproxy.policy.access.networks import AccessList
from authproxy.runtime.listeners import Gate, addresses
from authproxy.runtime.process.counters import limits_of_one_process
from authproxy.settings import ServiceSettings
from authproxy.wire.upstream.upstream import Upstream
from tests.support.configuring import URL, settings

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
    gate = Gate(found, FileWatch(), limits_of_one_process(found.limits))
    plain, lan = (gate.rules_for(each, upstreams) for each in found.every_listener)

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
    found = settings(file=file)
    a, b = (
        guarded(Gate(found, FileWatch(), limits_of_one_process(found.limits)), found.services[name])
        for name in "ab"
    )

    assert a is None
    assert b is not None
    assert b.find_refusal(ip_address("192.0.2.7")) is not None
    assert b.find_refusal(ip_address("192.0.2.6")) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('allow_file = "list"\n', [False, True]),
        ('allow_file = "list"\nallow = ["127.0.0.1"]\n', [True, True]),
        ('deny_file = "list"\nallow = ["0.0.0.0/0"]\n', [True, False]),
    ],
)
def test_a_file_stands_for_or_beside_what_is_written(
    text: str, expected: list[bool], tmp_path: Path
) -> None:
    (tmp_path / "list").write_text("192.0.2.0/24\n")
    (tmp_path / "authproxy.toml").write_text(text)
    found = settings(file=tmp_path / "authproxy.toml", urls=[URL])
    rules = Gate(found, FileWatch(), limits_of_one_process(found.limits)).rules_for(
        found.every_listener[0], cast(Any, {"billing": "B"})
    )

    assert expected == [passes(rules, a) for a in ("127.0.0.1", "192.0.2.1")]


async def test_what_changes_in_a_file_counts_on_connections_that_stand(tmp_path: Path) -> None:
    (tmp_path / "all").write_text("127.0.0.1\n")
    (tmp_path / "own").write_text("127.0.0.1\n")
    (tmp_path / "authproxy.toml").write_text(
        f'allow_file = "all"\n[services.billing]\nurl = "{URL}"\nallow_file = "own"\n'
    )
    found = settings(file=tmp_path / "authproxy.toml")
    files, upstream = FileWatch(), cast(Any, SimpleNamespace())
    gate = Gate(found, files, limits_of_one_process(found.limits))
    gate.guard(upstream, found.services["billing"])
    rules = gate.rules_for(found.every_listener[0], {"billing": upstream})
    for name in ("all", "own"):
        (tmp_path / name).write_text("192.0.2.0/24\n")
    for _ in range(2):
        await files.look()

    assert [False, True] == [passes(rules, a) for a in ("127.0.0.1", "192.0.2.1")]
    assert upstream.access.find_refusal(ip_address("192.0.2.1")) is None
    assert 2 == rules.version
    assert "<Gate [1 listeners]>" == repr(gate)


def guarded(gate: Gate, service: ServiceSettings) -> AccessList | None:
    upstream = cast(Any, SimpleNamespace())
    gate.guard(upstream, service)
    return cast(AccessList | None, upstream.access)


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


async def test_a_key_is_revoked_though_the_file_of_another_one_hangs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept, gone = "k" * 32, "g" * 32
    for name, key in (("kept", kept), ("gone", gone)):
        (tmp_path / name).write_text(key)
        (tmp_path / name).chmod(0o600)
    (tmp_path / "authproxy.toml").write_text(
        '[keys.kept]\nfile = "kept"\n[keys.gone]\nfile = "gone"\n'
    )
    found = settings(file=tmp_path / "authproxy.toml", urls=[URL])
    files = FileWatch(deadline_s=0.05)
    gate = Gate(found, files, limits_of_one_process(found.limits))
    rules = gate.rules_for(found.every_listener[0], cast(Any, {"billing": "B"}))
    assert all(rules.keys is not None and rules.keys.find([key.encode()]) for key in (kept, gone))
    (tmp_path / "kept").unlink()
    os.mkfifo(tmp_path / "kept", 0o600)
    (tmp_path / "gone").write_text("n" * 32)
    for _ in range(2):
        await files.look()

    assert rules.keys is not None
    assert [True, False, True] == [
        rules.keys.find([key.encode()]) is not None for key in (kept, gone, "n" * 32)
    ]
    assert f"keys in {tmp_path / 'kept'} " in caplog.text
    await files.close()
