"""What callers of gRPC, gRPC-Web and Connect are told, over both versions of HTTP, by whoever it is
that refuses: Google, Identity-Aware Proxy, or authproxy.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import unquote

import pytest

from authproxy.demo import pages
from authproxy.demo.pages import Page
from authproxy.settings import TimeoutSettings
from tests.support.http2 import Call as Http2Call
from tests.support.http2 import http2_client, http2_service
from tests.support.proxying import RunningProxy, proxying
from tests.support.raw import Call, raw_service
from tests.support.talking import read_answer

Fields = tuple[tuple[bytes, bytes], ...]
MESSAGE = b"\0\0\0\0\2{}"


@dataclass(frozen=True)
class Tongue:
    """How one kind of client asks, and reads what it is told."""

    fields: Fields
    answers_with: str
    read: Callable[["Reply"], tuple[int | str, str]]
    method: bytes = b"POST"
    query: bytes = b""


@dataclass(frozen=True)
class Reply:
    status: int
    fields: Mapping[str, str]
    body: bytes


def in_head(reply: Reply) -> tuple[int, str]:
    assert (200, b"") == (reply.status, reply.body)
    return int(reply.fields["grpc-status"]), unquote(reply.fields["grpc-message"])


def in_trailers(body: bytes) -> tuple[int, str]:
    assert (0x80, len(body) - 5) == (body[0], int.from_bytes(body[1:5], "big"))
    lines = dict(line.split(": ", 1) for line in body[5:].decode().splitlines())
    return int(lines["grpc-status"]), unquote(lines["grpc-message"])


def in_web(reply: Reply) -> tuple[int, str]:
    assert 200 == reply.status
    return in_trailers(reply.body)


def in_web_text(reply: Reply) -> tuple[int, str]:
    assert 200 == reply.status
    return in_trailers(base64.b64decode(reply.body))


CONNECT_STATUS = {
    "internal": 500,
    "permission_denied": 403,
    "unauthenticated": 401,
    "unavailable": 503,
    "unimplemented": 501,
    "unknown": 500,
}
NUMBER = {
    "unknown": 2,
    "permission_denied": 7,
    "unimplemented": 12,
    "unavailable": 14,
    "unauthenticated": 16,
}


def in_json(reply: Reply) -> tuple[int, str]:
    error = json.loads(reply.body)
    assert CONNECT_STATUS[error["code"]] == reply.status
    return NUMBER[error["code"]], error["message"]


def in_end(reply: Reply) -> tuple[int, str]:
    body = reply.body
    assert (200, 0x02, len(body) - 5) == (reply.status, body[0], int.from_bytes(body[1:5], "big"))
    error = json.loads(body[5:])["error"]
    return NUMBER[error["code"]], error["message"]


def asking_with(kind: bytes) -> Fields:
    return ((b"content-type", kind),)


V1 = (b"connect-protocol-version", b"1")
TONGUES = {
    "gRPC": Tongue(asking_with(b"application/grpc"), "application/grpc", in_head),
    "gRPC of protobuf": Tongue(
        (*asking_with(b"application/grpc+proto"), (b"te", b"trailers")),
        "application/grpc+proto",
        in_head,
    ),
    "gRPC-Web": Tongue(
        asking_with(b"application/grpc-web+proto"), "application/grpc-web+proto", in_web
    ),
    "gRPC-Web in text": Tongue(
        (
            *asking_with(b"application/grpc-web-text"),
            (b"accept", b"application/grpc-web-text"),
        ),
        "application/grpc-web-text",
        in_web_text,
    ),
    "Connect in JSON": Tongue((*asking_with(b"application/json"), V1), "application/json", in_json),
    "Connect of protobuf": Tongue(
        (*asking_with(b"application/proto"), V1), "application/json", in_json
    ),
    "Connect by GET": Tongue(
        (), "application/json", in_json, b"GET", b"?connect=v1&encoding=json&message=%7B%7D"
    ),
    "Connect's streams": Tongue(
        asking_with(b"application/connect+json"), "application/connect+json", in_end
    ),
}

Ask = Callable[[bytes, Tongue, bytes, Fields], Awaitable[Reply]]
"""(path, tongue, host, more fields)"""

IAP = {"X-Goog-IAP-Generated-Response": "true"}
IAP_PAGE = "Invalid IAP credentials: "
SIGN_IN = "https://accounts.google.com/o/oauth2/v2/auth?client_id=x"
PAGES: dict[bytes, Page] = {
    b"/401": pages.unauthorized("/401"),
    b"/403": pages.forbidden("/403"),
    b"/404": pages.not_found(),
    b"/413": pages.too_large(),
    b"/429": pages.no_instance(429),
    b"/500": pages.no_instance(500),
    b"/503": pages.no_instance(503),
    b"/iap401": Page(status=401, body=f"{IAP_PAGE}JWT audience", headers=IAP),
    b"/iap403": Page(status=403, body="no access", headers=IAP),
    b"/iap302": Page(status=302, body="", headers={**IAP, "Location": SIGN_IN}),
    b"/app302": Page(status=302, body="", headers={"Location": SIGN_IN}),
}


def fields_of(page: Page) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", pages.CONTENT_TYPE.encode()),
        (b"server", b"Google Frontend"),
        (b"content-length", b"%d" % len(page.body)),
        *((name.lower().encode(), value.encode()) for name, value in page.headers.items()),
    ]


async def refuse_1(call: Call) -> None:
    while head := await call.read_head():
        page = PAGES[head.split(b" ")[1].partition(b"?")[0]]
        lines = b"".join(b"%b: %b\r\n" % field for field in fields_of(page))
        await call.say(b"HTTP/1.1 %d X\r\n%b\r\n%b" % (page.status, lines, page.body.encode()))


async def refuse_2(call: Http2Call) -> None:
    await call.ended.wait()
    page = PAGES[(call.get(b":path") or b"").partition(b"?")[0]]
    call.answer(page.body.encode(), *fields_of(page), status=b"%d" % page.status)


def text_of(fields: list[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in fields}


async def ask_1(
    proxy: RunningProxy, path: bytes, tongue: Tongue, host: bytes, more: Fields
) -> Reply:
    fields = (*tongue.fields, *more, (b"host", host))
    lines = b"".join(b"%b: %b\r\n" % field for field in fields)
    reader, writer = await proxy.connect()
    target = path + tongue.query
    writer.write(b"%b %b HTTP/1.1\r\n%b\r\n" % (tongue.method, target, lines))
    head, body = await read_answer(reader)
    writer.close()
    first, *rest = head.strip().split(b"\r\n")
    pairs = [(n, v) for n, _, v in (line.partition(b": ") for line in rest)]
    return Reply(int(first.split(b" ")[1]), text_of(pairs), body)


async def ask_2(
    proxy: RunningProxy, path: bytes, tongue: Tongue, host: bytes, more: Fields
) -> Reply:
    async with http2_client(proxy) as client:
        fields = [
            (b":method", tongue.method),
            (b":scheme", b"http"),
            (b":path", path + tongue.query),
            (b":authority", host),
            *tongue.fields,
            *more,
        ]
        client.say(client.headers(1, fields))
        answer = await client.answer(1)
        assert answer.reset is None
        assert [] == answer.trailers
        return Reply(int(answer.get(b":status") or b"0"), text_of(answer.fields), answer.body)


@asynccontextmanager
async def refused(version: str) -> AsyncIterator[Ask]:
    timeouts = TimeoutSettings(scale_up=0)

    def by(proxy: RunningProxy) -> Ask:
        ask = ask_1 if version == "HTTP/1.1" else ask_2
        return lambda *what: ask(proxy, *what)

    if version == "HTTP/1.1":
        async with raw_service(refuse_1) as raw, proxying(raw.url, timeouts=timeouts) as proxy:
            yield by(proxy)
    else:
        async with (
            http2_service(refuse_2) as service,
            proxying(service.url, timeouts=timeouts) as proxy,
        ):
            yield by(proxy)


VERSIONS = pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/2"])
EVERY_TONGUE = pytest.mark.parametrize("tongue", TONGUES.values(), ids=TONGUES)

# The advice's own words are in tests/test_policy_google_advice.py.
EXPECTED: dict[bytes, tuple[int, str]] = {
    b"/401": (16, "Google's front end answered this call with 401, instead of the service. "),
    b"/403": (7, "Google's front end answered this call with 403, instead of the service. tester@"),
    b"/404": (12, "Google's front end answered this call with 404, instead of the service. "),
    b"/413": (2, "413"),
    b"/429": (14, "429"),
    b"/500": (2, "500"),
    b"/503": (14, "503"),
    b"/iap401": (16, "Identity-Aware Proxy answered this call with 401, instead of the service. "),
    b"/iap403": (7, "Identity-Aware Proxy answered this call with 403, instead of the service. "),
    b"/iap302": (16, "Identity-Aware Proxy answered this call with 302, instead of the service. "),
    b"/app302": (16, "The service redirects this call to Google's sign-in"),
}


@VERSIONS
@EVERY_TONGUE
async def test_every_page_of_googles_is_told_with_advice(version: str, tongue: Tongue) -> None:
    async with refused(version) as ask:
        for path, (number, begins) in EXPECTED.items():
            reply = await ask(path, tongue, b"localhost", ())
            said, message = tongue.read(reply)

            assert (path, number) == (path, said)
            assert begins in message
            assert tongue.answers_with == reply.fields["content-type"]
            is_google = path != b"/app302"
            assert ("x-authproxy-hint" in reply.fields) == is_google
            if is_google:
                assert f" {reply.fields['x-authproxy-hint']} (authproxy: refused_by_goo" in message


@VERSIONS
@EVERY_TONGUE
async def test_strangers_are_told_in_their_tongue_without_advice(
    version: str, tongue: Tongue
) -> None:
    async with refused(version) as ask:
        for path, (number, _) in EXPECTED.items():
            stranger = ((b"x-forwarded-for", b"192.0.2.1"),)
            reply = await ask(path, tongue, b"localhost", stranger)
            said, message = tongue.read(reply)

            assert (path, number) == (path, said)
            assert "x-authproxy-hint" not in reply.fields
            assert not {"Try:", "tester@example.com", "gcloud"} & set(message.split())


@VERSIONS
@EVERY_TONGUE
async def test_our_own_refusals_are_told_in_the_same_way(version: str, tongue: Tongue) -> None:
    async with refused(version) as ask:
        reply = await ask(b"/403", tongue, b"evil.example", ())
        said, message = tongue.read(reply)

    assert (12, "host_not_allowed") == (said, reply.fields["x-authproxy-error"])
    assert message.startswith("This proxy does not answer for the host name of this request. ")
    assert tongue.answers_with == reply.fields["content-type"]


@VERSIONS
async def test_who_does_not_call_gets_the_page(version: str) -> None:
    plain = Tongue(asking_with(b"application/json"), "", in_json)
    async with refused(version) as ask:
        for path in (b"/401", b"/403", b"/404", b"/iap302", b"/app302"):
            reply = await ask(path, plain, b"localhost", ())

            assert (PAGES[path].status, PAGES[path].body) == (reply.status, reply.body.decode())


OWN: dict[bytes, tuple[bytes, Fields, bytes]] = {
    b"trailers only": (
        b"200",
        ((b"content-type", b"application/grpc"), (b"grpc-status", b"16"), (b"grpc-message", b"x")),
        b"",
    ),
    b"JSON": (
        b"401",
        ((b"content-type", b"application/json"), (b"server", b"Google Frontend")),
        b'{"code": "unauthenticated"}',
    ),
    b"a page": (b"503", ((b"content-type", b"text/html; charset=utf-8"),), b"<html>"),
}


@pytest.mark.parametrize("own", OWN.values(), ids=[name.decode() for name in OWN])
@EVERY_TONGUE
async def test_what_the_service_says_itself_is_left_alone(
    own: tuple[bytes, Fields, bytes], tongue: Tongue
) -> None:
    status, fields, body = own

    async def say(call: Http2Call) -> None:
        call.answer(body, *fields, status=status)

    async with http2_service(say) as service, proxying(service.url) as proxy:
        reply = await ask_2(proxy, b"/", tongue, b"localhost", ())

    assert (int(status), text_of(list(fields)), body) == (
        reply.status,
        {name: value for name, value in reply.fields.items() if name != ":status"},
        reply.body,
    )


async def test_refused_call_does_not_wait_for_its_own_end() -> None:
    """A stream that the client has not ended: the refusal comes all the same, once."""
    async with (
        http2_service(_refuse_at_once) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        kind = (b"content-type", b"application/grpc")
        client.call(1, kind, path=b"/403", ended=False)
        answer = await client.answer(1)
        async with asyncio.timeout(10):
            await service.calls[0].ended.wait()
        (exchange,) = await proxy.heard.wait_for(1)

    assert b"7" == answer.get(b"grpc-status")
    assert 8 == service.calls[0].reset
    assert ("refused_by_google", 403) == (exchange.code, exchange.status)


async def _refuse_at_once(call: Http2Call) -> None:
    page = PAGES[b"/403"]
    h2 = call.connection.h2
    h2.send_headers(call.stream_id, [(b":status", b"403"), *fields_of(page)])
    call.connection.flush()
