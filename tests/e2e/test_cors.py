"""What pages of allowed origins may read: what the service says of that, or the configuration."""

from tests.support.http2 import Call, http2_client, http2_service
from tests.support.proxying import RunningProxy, proxying
from tests.support.raw import Call as RawCall
from tests.support.raw import raw_service

Fields = list[tuple[bytes, bytes]]
PAGE = b"chrome-extension://abcdefghijklmnopabcdefghijklmnop"
OURS = [
    (b"access-control-allow-origin", PAGE),
    (b"access-control-allow-credentials", b"true"),
    (b"access-control-expose-headers", b"*"),
    (b"vary", b"Origin"),
]
SAID: dict[bytes, Fields] = {
    b"/silent": [(b"x-a", b"1"), (b"vary", b"Accept")],
    b"/all": [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"x-a")],
    b"/page": [
        (b"access-control-allow-origin", PAGE),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"mcp-session-id"),
        (b"vary", b"Accept, Origin"),
    ],
    b"/others": [(b"access-control-allow-origin", b"https://other.example")],
    b"/half": [(b"access-control-allow-credentials", b"true")],
}
HEARD: dict[bytes, Fields] = {
    **SAID,
    b"/silent": [*SAID[b"/silent"], *OURS],
    b"/half": OURS,
}


async def over_http1(origin: bytes) -> dict[bytes, Fields]:
    async def talk(call: RawCall) -> None:
        while head := await call.read_head():
            lines = b"".join(b"%b: %b\r\n" % field for field in SAID[head.split()[1]])
            await call.say(b"HTTP/1.1 200 OK\r\n%bContent-Length: 0\r\n\r\n" % lines)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        proxy.listener.allow_origins = frozenset([PAGE])
        return {path: await ask(proxy, path, origin) for path in SAID}


async def ask(proxy: RunningProxy, path: bytes, origin: bytes) -> Fields:
    head = b"GET %b HTTP/1.1\r\nHost: localhost\r\nOrigin: %b\r\nConnection: close\r\n\r\n"
    answer = (await proxy.exchange(head % (path, origin))).partition(b"\r\n\r\n")[0]
    pairs = [line.partition(b": ")[::2] for line in answer.split(b"\r\n")[1:]]
    fields = [(name.lower(), value) for name, value in pairs]
    return [each for each in fields if each[0] not in (b"content-length", b"connection")]


async def over_http2(origin: bytes) -> dict[bytes, Fields]:
    async def answer(call: Call) -> None:
        call.answer(b"", *SAID[dict(call.fields)[b":path"]])

    heard = {}
    async with (
        http2_service(answer) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        proxy.listener.allow_origins = frozenset([PAGE])
        for number, path in enumerate(SAID):
            client.call(2 * number + 1, (b"origin", origin), path=path)
            fields = (await client.answer(2 * number + 1)).fields
            heard[path] = [each for each in fields if each[0] != b":status"]
    return heard


async def test_a_page_reads_what_it_would_read_without_us() -> None:
    assert HEARD == await over_http1(PAGE)
    assert HEARD == await over_http2(PAGE)


async def test_nobody_else_is_told_anything() -> None:
    assert SAID == await over_http1(b"http://localhost")
    assert SAID == await over_http2(b"http://localhost")
