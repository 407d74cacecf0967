"""What a service does to its cookies reaches the client, over both versions of HTTP."""

from collections.abc import Awaitable, Callable

import pytest

from tests.support.http2 import Call, http2_client, http2_service
from tests.support.proxying import RunningProxy, proxying
from tests.support.raw import Call as RawCall
from tests.support.raw import raw_service

Fields = list[tuple[bytes, bytes]]

GONE = b"Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
LONG = b"x" * 4085
SAID: dict[bytes, Fields] = {
    b"/in": [
        (b"set-cookie", b"s=1; Path=/; HttpOnly; Secure"),
        (b"set-cookie", b"t=2; Domain=billing.example"),
        (b"set-cookie", b"=authproxy.other.s=3"),
    ],
    b"/out": [(b"clear-site-data", b'"cookies", "storage"')],
    b"/delete": [(b"set-cookie", b"s=; Max-Age=0; Path=/"), (b"x-other", b"stays")],
    b"/long": [(b"set-cookie", b"__Host-l=%b; Path=/; Secure" % LONG)],
}
HEARD: dict[bytes, Fields] = {
    b"/in": [(b"set-cookie", b"authproxy..s=1; Path=/; HttpOnly"), (b"set-cookie", b"t=2")],
    b"/out": [
        (b"clear-site-data", b'"storage"'),
        (b"set-cookie", b"authproxy..s=; %b; Path=/; HttpOnly" % GONE),
        (b"set-cookie", b"t=; %b; Path=/" % GONE),
    ],
    b"/delete": [
        (b"set-cookie", b"s=; Max-Age=0; Path=/"),
        (b"x-other", b"stays"),
        (b"set-cookie", b"authproxy..s=; %b; Path=/; HttpOnly" % GONE),
    ],
    b"/long": [(b"set-cookie", b"authproxy..__Host-l=%b; Path=/" % LONG)],
}


async def over_http1(paths: list[bytes]) -> list[Fields]:
    async def talk(call: RawCall) -> None:
        while head := await call.read_head():
            lines = b"".join(b"%b: %b\r\n" % field for field in SAID[head.split()[1]])
            await call.say(b"HTTP/1.1 200 OK\r\n%bContent-Length: 0\r\n\r\n" % lines)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        return [await ask(proxy, path) for path in paths]


async def ask(proxy: RunningProxy, path: bytes) -> Fields:
    request = b"GET %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % path
    head = (await proxy.exchange(request)).partition(b"\r\n\r\n")[0]
    pairs = [line.partition(b": ")[::2] for line in head.split(b"\r\n")[1:]]
    fields = [(name.lower(), value) for name, value in pairs]
    return [each for each in fields if each[0] not in (b"content-length", b"connection")]


async def over_http2(paths: list[bytes]) -> list[Fields]:
    async def answer(call: Call) -> None:
        call.answer(b"", *SAID[dict(call.fields)[b":path"]])

    heard = []
    async with (
        http2_service(answer) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        for number, path in enumerate(paths):
            client.call(2 * number + 1, path=path)
            fields = (await client.answer(2 * number + 1)).fields
            heard.append([each for each in fields if each[0] != b":status"])
    return heard


@pytest.mark.parametrize("over", [over_http1, over_http2], ids=["HTTP/1.1", "HTTP/2"])
async def test_cookies_are_set_deleted_and_cleared(
    over: Callable[[list[bytes]], Awaitable[list[Fields]]], caplog: pytest.LogCaptureFixture
) -> None:
    paths = [b"/in", b"/in", b"/delete", b"/out", b"/long", b"/long", b"/delete"]
    heard = await over(paths)

    for path, fields in zip(paths, heard, strict=True):
        assert HEARD[path] == fields
    [record] = [each for each in caplog.records if each.name == "authproxy.wire.relay.cookies"]
    assert record.getMessage() == (
        "service: with the name that it has here, the cookie __Host-l is longer than 4096 bytes,"
        " and browsers drop it; make it shorter"
    )
