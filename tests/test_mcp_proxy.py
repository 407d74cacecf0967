import stat
from pathlib import Path

import pytest

from authproxy.errors import ConfigError, Problem
from authproxy.identity.machine import Machine
from authproxy.mcp.failures import Failed
from authproxy.mcp.messages import Message, write_message
from authproxy.mcp.proxy import OwnProxy, find_address, only, split_url
from authproxy.settings import Settings
from tests.support.raw import Call, raw_service

PING = write_message(id=1, method="ping")


@pytest.mark.parametrize(
    ("word", "url", "path"),
    [
        ("https://a.run.app/mcp", "https://a.run.app", "/mcp"),
        ("https://a.run.app", "https://a.run.app", ""),
        ("https://a.run.app/", "https://a.run.app", "/"),
        ("https://a.run.app/mcp/?a=/b#c", "https://a.run.app", "/mcp/?a=/b"),
        ("https://a.run.app?a=b", "https://a.run.app", "?a=b"),
        ("x=https://a.run.app/mcp?u=http://b=c", "x=https://a.run.app", "/mcp?u=http://b=c"),
        ("http://[::1]:8000/sse", "http://[::1]:8000", "/sse"),
        ("billing", "billing", ""),
        ("p/europe-west1/billing", "p/europe-west1/billing", ""),
        ("", "", ""),
    ],
)
def test_an_address_is_a_service_and_a_path(word: str, url: str, path: str) -> None:
    assert (url, path) == split_url(word)


def settings(url: str) -> Settings:
    service = {
        "url": url,
        "credentials": "none",
        "path": "/x",
        "strip_path": True,
        "deny": ["0.0.0.0/0"],
        "deny_methods": ["PUT"],
    }
    return Settings.model_validate(
        {
            "services": {"a": service, "b": {"url": "https://b.example"}},
            "keys": {"k": {"sha256": ["a" * 64]}},
            "listen": ["127.0.0.1:1"],
        }
    )


@pytest.mark.parametrize(
    ("url", "path", "shown", "target"),
    [
        ("https://a.example", "", "https://a.example/mcp", "/mcp"),
        ("https://a.example/base", "", "https://a.example/base", "/base"),
        ("https://a.example", "/", "https://a.example/", "/"),
        ("https://a.example", "/m?key=1", "https://a.example/m", "/m?key=1"),
        ("https://a.example", "sse", "https://a.example/sse", "/sse"),
        ("https://a.example", "?a=b", "https://a.example/", "/?a=b"),
    ],
)
def test_the_server_is_where_it_was_said_to_be(
    url: str, path: str, shown: str, target: str
) -> None:
    address = find_address(settings(url), "a", path)

    assert (shown, target) == (address.shown, address.target)


def test_nothing_of_the_configuration_that_is_for_others_is_left() -> None:
    narrowed = only(settings("https://a.example/base"), "a", Path("/tmp/s"))

    assert ["a"] == list(narrowed.services)
    assert ({}, ["unix:/tmp/s"]) == (narrowed.keys, list(map(str, narrowed.listen)))
    service = narrowed.services["a"]
    assert ("https://a.example", None, ()) == (str(service.url), service.path, service.deny)
    assert ("PUT",) == service.deny_methods


async def test_it_starts_when_it_can_and_not_before(capfd: pytest.CaptureFixture[str]) -> None:
    async def talk(call: Call) -> None:
        head = await call.read_head()
        await call.say(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        await call.say(b'Content-Length: 36\r\n\r\n{"jsonrpc":"2.0","id":1,"result":{}}')
        heads.append(head)

    heads: list[bytes] = []
    came: list[Message] = []
    problems = [ConfigError([Problem(where="a.toml:1", key="url", message="is missing")])]

    async def deliver(message: Message) -> None:
        came.append(message)

    async with raw_service(talk) as service:

        def load() -> tuple[Settings, str]:
            if problems:
                raise problems.pop()
            return settings(service.url), "a"

        proxy = OwnProxy(load, "", Machine(environ={}))
        try:
            with pytest.raises(Failed, match=r"a\.toml:1: url: is missing"):
                await proxy.connect()
            assert "<OwnProxy [not started]>" == repr(proxy)
            channel = await proxy.connect()
            await channel.exchange(PING, {}, deliver)
            assert channel is await proxy.connect()
            assert "OldSse" in repr(await proxy.connect_older())
            assert "<OwnProxy [started]>" == repr(proxy)
        finally:
            await proxy.close()

    assert b"POST /mcp HTTP/1.1" in heads[0]
    assert [{"jsonrpc": "2.0", "id": 1, "result": {}}] == [dict(m.parts[0]) for m in came]
    assert f"authproxy: stdio -> {service.url}/mcp\n" in capfd.readouterr().err


def modes_below(folder: Path) -> list[str]:
    return [oct(stat.S_IMODE(path.lstat().st_mode)) for path in sorted(folder.rglob("*"))]


async def test_nobody_else_can_reach_its_socket_and_nothing_is_left_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    proxy = OwnProxy(lambda: (settings("https://a.example"), "a"), "", Machine(environ={}))
    await proxy.connect()
    modes = modes_below(tmp_path)
    await proxy.close()

    assert ["0o700", "0o600"] == modes
    assert [] == modes_below(tmp_path)


async def test_traces_are_switched_on_as_for_run() -> None:
    machine = Machine(environ={"OTEL_TRACES_EXPORTER": "carrier-pigeon"})
    proxy = OwnProxy(lambda: (settings("https://a.example"), "a"), "", machine)

    with pytest.raises(Failed, match="names 'carrier-pigeon', which authproxy does not have"):
        await proxy.connect()
