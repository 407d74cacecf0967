"""What MCP clients are told, over both versions of HTTP, when there is no answer of the service's:
whoever it is that refuses, and however the request comes in.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from authproxy.demo import pages
from authproxy.demo.pages import Page
from authproxy.errors import CredentialError
from authproxy.policy.access.rate_limits import RateLimiter
from authproxy.settings import LimitSettings, TimeoutSettings
from authproxy.wire.http2.framing.frames import DATA, END_STREAM, frame
from tests.support.http2 import Call as Http2Call
from tests.support.http2 import http2_client, http2_service
from tests.support.proxying import FixedTokens, RunningProxy, proxying
from tests.support.raw import Call, raw_service
from tests.support.talking import read_answer

Fields = tuple[tuple[bytes, bytes], ...]

BOTH = (b"accept", b"application/json, text/event-stream")
JSON = (b"content-type", b"application/json")
CALL = b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo"}}'
NOTIFICATION = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'

IAP = {"X-Goog-IAP-Generated-Response": "true"}
SIGN_IN = "https://accounts.google.com/o/oauth2/v2/auth?client_id=x"
PAGES: dict[bytes, Page] = {
    b"/401": pages.unauthorized("/401"),
    b"/403": pages.forbidden("/403"),
    b"/404": pages.not_found(),
    b"/413": pages.too_large(),
    b"/429": pages.no_instance(429),
    b"/500": pages.no_instance(500),
    b"/503": pages.no_instance(503),
    b"/iap401": Page(status=401, body="Invalid IAP credentials: JWT audience", headers=IAP),
    b"/iap403": Page(status=403, body="no access", headers=IAP),
    b"/iap302": Page(status=302, body="", headers={**IAP, "Location": SIGN_IN}),
    b"/app302": Page(status=302, body="", headers={"Location": SIGN_IN}),
}
REAL_STATUS = {b"/iap302": 401, b"/app302": 403}


@dataclass(frozen=True)
class Reply:
    status: int
    fields: Mapping[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        assert "application/json" == self.fields["content-type"]
        return json.loads(self.body)


def fields_of(page: Page) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", pages.CONTENT_TYPE.encode()),
        (b"server", b"Google Frontend"),
        (b"content-length", b"%d" % len(page.body)),
        *((name.lower().encode(), value.encode()) for name, value in page.headers.items()),
    ]


async def refuse_1(call: Call) -> None:
    while head := await call.read_head():
        page = PAGES[head.split(b" ")[1]]
        lines = b"".join(b"%b: %b\r\n" % field for field in fields_of(page))
        await call.say(b"HTTP/1.1 %d X\r\n%b\r\n%b" % (page.status, lines, page.body.encode()))
        found = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-len")]
        await call.reader.readexactly(int(found[0].partition(b":")[2]) if found else 0)


async def refuse_2(call: Http2Call) -> None:
    page = PAGES[call.get(b":path") or b""]
    call.answer(page.body.encode(), *fields_of(page), status=b"%d" % page.status)


class Asker:
    """Asks one proxy, by one version of HTTP."""

    def __init__(self, version: str, proxy: RunningProxy) -> None:
        self.version = version
        self.proxy = proxy

    async def __call__(
        self,
        target: bytes = b"/",
        *fields: tuple[bytes, bytes],
        body: bytes = b"",
        method: bytes = b"POST",
        host: bytes = b"localhost",
        in_parts: bool = False,
    ) -> Reply:
        """`in_parts`: the head, then the body in two."""
        ask = self._ask_1 if self.version == "HTTP/1.1" else self._ask_2
        return await ask(method, target, host, fields, body, in_parts)

    async def _ask_1(
        self,
        method: bytes,
        target: bytes,
        host: bytes,
        fields: Fields,
        body: bytes,
        in_parts: bool,
    ) -> Reply:
        sized = ((b"content-length", b"%d" % len(body)),) if body else ()
        lines = b"".join(b"%b: %b\r\n" % field for field in (*fields, *sized, (b"host", host)))
        reader, writer = await self.proxy.connect()
        writer.write(b"%b %b HTTP/1.1\r\n%b\r\n" % (method, target, lines))
        for part in (body[:9], body[9:]) if in_parts else ():
            await asyncio.sleep(0.02)  # another packet: nothing is waited for
            writer.write(part)
        if not in_parts:
            writer.write(body)
        head, said = await read_answer(reader)
        writer.close()
        first, *rest = head.strip().split(b"\r\n")
        pairs = (line.partition(b": ") for line in rest)
        found = {name.decode().lower(): value.decode() for name, _, value in pairs}
        return Reply(int(first.split(b" ")[1]), found, said)

    async def _ask_2(
        self,
        method: bytes,
        target: bytes,
        host: bytes,
        fields: Fields,
        body: bytes,
        in_parts: bool,
    ) -> Reply:
        async with http2_client(self.proxy) as client:
            pseudo = [(b":method", method), (b":scheme", b"http"), (b":path", target)]
            head = client.headers(1, [*pseudo, (b":authority", host), *fields], ended=not body)
            client.say(head)
            for part in (body[:9], body[9:]) if in_parts else ():
                await asyncio.sleep(0.02)  # another packet: nothing is waited for
                client.say(frame(DATA, END_STREAM if part == body[9:] else 0, 1, part))
            for at in range(0, 0 if in_parts else len(body), 16_384):
                part, is_last = body[at : at + 16_384], at + 16_384 >= len(body)
                client.say(frame(DATA, END_STREAM if is_last else 0, 1, part))
            answer = await client.answer(1)
            assert answer.reset is None
            found = {name.decode(): value.decode() for name, value in answer.fields}
            return Reply(int(found.pop(":status")), found, answer.body)


@asynccontextmanager
async def refused(version: str, **given: Any) -> AsyncIterator[Asker]:
    given = {"timeouts": TimeoutSettings(scale_up=0), **given}
    if version == "HTTP/1.1":
        async with raw_service(refuse_1) as raw, proxying(raw.url, **given) as proxy:
            yield Asker(version, proxy)
    else:
        async with http2_service(refuse_2) as service, proxying(service.url, **given) as proxy:
            yield Asker(version, proxy)


VERSIONS = pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/2"])


@VERSIONS
@pytest.mark.parametrize("in_parts", [False, True])
async def test_every_page_of_googles_is_an_error_of_that_request(
    version: str, in_parts: bool
) -> None:
    async with refused(version) as ask:
        for path, page in PAGES.items():
            reply = await ask(path, BOTH, JSON, body=CALL, in_parts=in_parts)
            (exchange,) = await ask.proxy.heard.wait_for(1)

            error = reply.said["error"]
            code = "sign_in_redirect" if path == b"/app302" else "refused_by_google"
            assert (path, 200, code) == (path, reply.status, reply.fields["x-authproxy-error"])
            assert {"jsonrpc": "2.0", "id": 7, "error": error} == reply.said
            assert (-32000, code) == (error["code"], error["data"]["authproxy"])
            assert error["message"].endswith(error["data"]["hint"])
            assert "www-authenticate" not in reply.fields
            assert REAL_STATUS.get(path, page.status) == exchange.status
            assert code == exchange.code


@VERSIONS
async def test_strangers_hear_no_advice(version: str) -> None:
    async with refused(version) as ask:
        for path in PAGES:
            reply = await ask(path, BOTH, JSON, (b"x-forwarded-for", b"192.0.2.1"), body=CALL)

            assert 7 == reply.said["id"]
            assert "x-authproxy-hint" not in reply.fields
            assert "tester@example.com" not in reply.body.decode()


IDS = [
    ("7", "7"),
    ("0", "0"),
    ("-1", "-1"),
    ("123456789012345678901234567890", "123456789012345678901234567890"),
    ("1.50", "1.50"),
    ("1e3", "1e3"),
    ('"a-1"', '"a-1"'),
    ('""', '""'),
    ('"\\u00fc\\"\\\\\\ud800"', '"\\u00fc\\"\\\\\\ud800"'),
]


def no_token() -> FixedTokens:
    tokens = FixedTokens()
    tokens.arrives.set_exception(CredentialError("No token can be had.", hint="Sign in: x y z"))
    return tokens


@VERSIONS
@pytest.mark.parametrize("in_parts", [False, True])
async def test_the_id_is_what_was_sent(version: str, in_parts: bool) -> None:
    async with refused(version, tokens=no_token()) as ask:
        for sent, expected in IDS:
            body = b'{"id": %b, "jsonrpc": "2.0", "method": "tools/list"}' % sent.encode()
            reply = await ask(b"/", BOTH, JSON, body=body, in_parts=in_parts)
            (exchange,) = await ask.proxy.heard.wait_for(1)

            assert (200, "token_unavailable") == (reply.status, reply.fields["x-authproxy-error"])
            assert f'"id": {expected}, '.encode() in reply.body
            assert "No token can be had. Sign in: x y z" == reply.said["error"]["message"]
            assert 503 == exchange.status


LARGE = b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":"%b"}' % (b"x" * 70_000)
NO_REQUEST = {
    "a notification": (NOTIFICATION, True),
    "a response": (b'{"jsonrpc":"2.0","id":7,"result":{}}', True),
    "too large": (LARGE, True),
    "an id that is none": (b'{"jsonrpc":"2.0","id":{},"method":"a"}', True),
    "id null": (b'{"jsonrpc":"2.0","id":null,"method":"a"}', True),
    "no JSON-RPC": (b'{"id":7,"method":"card"}', False),
    "another version": (b'{"jsonrpc":2.0,"id":7,"method":"a"}', False),
    "no JSON": (b"id=7&method=a", False),
    "not a number": (b'{"jsonrpc":"2.0","id":NaN,"method":"a"}', False),
    "deep": (b"[" * 60_000, False),
    "an empty batch": (b"[]", False),
    "bytes": (b"\xff\xfe", False),
}


@VERSIONS
@pytest.mark.parametrize(("body", "is_message"), NO_REQUEST.values(), ids=NO_REQUEST)
async def test_what_is_no_request_keeps_its_status(
    version: str, body: bytes, is_message: bool
) -> None:
    async with refused(version, tokens=no_token()) as ask:
        reply = await ask(b"/", BOTH, JSON, body=body)

    assert 503 == reply.status
    if is_message:
        assert None is reply.said["id"]
        assert "No token can be had. Sign in: x y z" == reply.said["error"]["message"]
    else:
        assert {"error", "message", "hint", "request_id"} == set(reply.said)


BATCH = b'[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","method":"n"},%b]'


@VERSIONS
@pytest.mark.parametrize("protocol", [None, b"2025-03-26", b"2025-06-18", b"2026-07-28"])
async def test_a_batch_gets_errors_where_the_protocol_has_batches(
    version: str, protocol: bytes | None
) -> None:
    body = BATCH % b'{"jsonrpc":"2.0","id":"b","method":"c"}'
    named = ((b"mcp-protocol-version", protocol),) if protocol else ()
    async with refused(version, tokens=no_token()) as ask:
        reply = await ask(b"/", BOTH, JSON, *named, body=body)

    if protocol in (None, b"2025-03-26"):
        assert (200, [1, "b"]) == (reply.status, [each["id"] for each in reply.said])
    else:
        assert (503, None) == (reply.status, reply.said["id"])


OTHERS = {
    "the old transport": (b"POST", ((b"accept", b"*/*"), JSON)),
    "JSON only": (b"POST", ((b"accept", b"application/json"), JSON)),
    "events refused": (b"POST", ((b"accept", b"application/json, text/event-stream;q=0"), JSON)),
    "no accept": (b"POST", (JSON,)),
    "a browser": (b"POST", ((b"accept", b"text/html, application/json, text/event-stream"),)),
    "PUT": (b"PUT", (BOTH, JSON)),
    "the end of a session": (b"DELETE", (BOTH,)),
}


@VERSIONS
@pytest.mark.parametrize(("method", "fields"), OTHERS.values(), ids=OTHERS)
async def test_others_are_told_as_ever(version: str, method: bytes, fields: Fields) -> None:
    async with refused(version) as ask:
        page = await ask(b"/403", *fields, body=CALL, method=method)
        ask.proxy.tokens.token = None
        ask.proxy.tokens.arrives.set_exception(CredentialError("No token can be had."))
        own = await ask(b"/403", *fields, body=CALL, method=method)

    assert (403, PAGES[b"/403"].body) == (page.status, page.body.decode())
    assert 503 == own.status
    assert b"jsonrpc" not in own.body


@VERSIONS
async def test_accept_may_come_in_two_fields_and_any_case(version: str) -> None:
    two = ((b"accept", b"TEXT/Event-Stream ;q=0.5"), (b"accept", b"Application/JSON"))
    async with refused(version, tokens=no_token()) as ask:
        assert 7 == (await ask(b"/", *two, body=CALL)).said["id"]


@VERSIONS
async def test_who_listens_is_told_to_come_later_and_never_to_sign_in(version: str) -> None:
    listening = (b"accept", b"text/event-stream")
    async with refused(version) as ask:
        for path in PAGES:
            reply = await ask(path, listening, method=b"GET")

            assert (path, 503, None) == (path, reply.status, reply.said["id"])
            assert "www-authenticate" not in reply.fields
            assert reply.said["error"]["message"]
        reply = await ask(b"/403", (b"accept", b"text/event-stream, text/html"), method=b"GET")
        assert 403 == reply.status


DISCOVERY = [
    b"/.well-known/oauth-protected-resource",
    b"/.well-known/oauth-protected-resource/mcp",
    b"/.well-known/oauth-authorization-server?x=1",
    b"/.well-known/oauth-authorization-server/a/b",
    b"/.well-known/openid-configuration",
    b"/mcp/.well-known/openid-configuration",
    b"/a/b/.well-known/oauth-authorization-server",
]
NOT_DISCOVERY = [
    b"/.well-known/security.txt",
    b"/a?/.well-known/oauth-protected-resource",
    b"/oauth-protected-resource",
    b"/.well-knownx/oauth-protected-resource",
]


@VERSIONS
async def test_nobody_finds_an_oauth_server_that_is_none(version: str) -> None:
    async with refused(version, tokens=no_token()) as ask:
        asked = [(b"GET", path, b"") for path in DISCOVERY] + [(b"POST", b"/register", b"{}")]
        for method, path, body in asked:
            reply = await ask(path, method=method, body=body)
            (exchange,) = await ask.proxy.heard.wait_for(1)

            assert (path, 404) == (path, reply.status)
            assert ("token_unavailable", 503) == (reply.said["error"], exchange.status)
            assert "No token can be had. Sign in: x y z" == reply.said["error_description"]
        for path in NOT_DISCOVERY:
            assert (path, 503) == (path, (await ask(path, method=b"GET")).status)
        for method, path in ((b"GET", b"/register"), (b"POST", b"/registers")):
            assert (path, 503) == (path, (await ask(path, method=method)).status)
        page = await ask(b"/register", (b"accept", b"text/html"), body=b"a=b")
        assert 503 == page.status  # a person's form


@VERSIONS
@pytest.mark.parametrize("kind", ["/401", "/403", "/404", "/iap401", "/iap302", "/app302"])
async def test_googles_page_is_no_oauth_server_either(version: str, kind: str) -> None:
    path = b"/.well-known/oauth-protected-resource"
    page = {"/401": pages.unauthorized, "/403": pages.forbidden}
    told = page[kind](path.decode()) if kind in page else PAGES[kind.encode()]

    async def say_1(call: Call) -> None:
        while await call.read_head():
            lines = b"".join(b"%b: %b\r\n" % field for field in fields_of(told))
            await call.say(b"HTTP/1.1 %d X\r\n%b\r\n%b" % (told.status, lines, told.body.encode()))

    async def say_2(call: Http2Call) -> None:
        call.answer(told.body.encode(), *fields_of(told), status=b"%d" % told.status)

    async with raw_service(say_1) as raw, http2_service(say_2) as h2:
        service = raw if version == "HTTP/1.1" else h2
        async with proxying(service.url) as proxy:
            reply = await Asker(version, proxy)(path, method=b"GET")

    assert (404, {"error_description"}) == (reply.status, set(reply.said) & {"error_description"})
    assert "www-authenticate" not in reply.fields


OWN = {
    "401": (b"401", ((b"www-authenticate", b'Bearer resource_metadata="https://a/"'),), b"no"),
    "403": (b"403", ((b"content-type", b"application/json"),), b"{}"),
    "404": (b"404", ((b"content-type", b"text/html; charset=utf-8"),), b"<html>Cannot POST"),
    "503": (b"503", ((b"content-type", b"text/plain"),), b"busy"),
    "302": (b"302", ((b"location", b"https://login.example/"),), b""),
    "200": (b"200", ((b"content-type", b"application/json"),), b"{}"),
}


@VERSIONS
@pytest.mark.parametrize(("status", "fields", "body"), OWN.values(), ids=OWN)
async def test_what_the_service_says_itself_passes(
    version: str, status: bytes, fields: Fields, body: bytes
) -> None:
    front = (b"server", b"Google Frontend")

    async def say_1(call: Call) -> None:
        while await call.read_head():
            lines = b"".join(b"%b: %b\r\n" % field for field in (front, *fields))
            length = b"Content-Length: %d\r\n\r\n" % len(body)
            await call.say(b"HTTP/1.1 %b X\r\n%b%b%b" % (status, lines, length, body))
            return

    async def say_2(call: Http2Call) -> None:
        call.answer(body, front, *fields, status=status)

    async with raw_service(say_1) as raw, http2_service(say_2) as h2:
        service = raw if version == "HTTP/1.1" else h2
        async with proxying(service.url) as proxy:
            ask = Asker(version, proxy)
            listening = (b"accept", b"text/event-stream")
            replies = [
                await ask(b"/", BOTH, JSON, body=CALL),
                await ask(b"/", listening, method=b"GET"),
                await ask(DISCOVERY[0], method=b"GET"),
                await ask(b"/register", JSON, body=b"{}"),
            ]

    for reply in replies:
        assert (int(status), body) == (reply.status, reply.body)
        for name, value in fields:
            assert value.decode() == reply.fields[name.decode()]


@VERSIONS
async def test_limits_are_told_too(version: str) -> None:
    limits = LimitSettings(body_bytes=200)
    async with refused(version, limits=limits) as ask:
        long = await ask(b"/403", BOTH, JSON, body=CALL + b" " * 200)
        ask.proxy.listener.limiter = RateLimiter(per_second=0.001, burst=1)
        ask.proxy.listener.version += 1
        await ask(b"/403", BOTH, JSON, body=CALL)
        soon = await ask(b"/403", BOTH, JSON, body=CALL, in_parts=True)

    assert (413, None) == (long.status, long.said["id"])
    assert (200, 7) == (soon.status, soon.said["id"])
    assert "too_many_requests" == soon.fields["x-authproxy-error"]
    assert "retry-after" in soon.fields


@VERSIONS
async def test_a_path_that_leads_nowhere_is_told(version: str) -> None:
    async with refused(version, path="/a") as ask:
        reply = await ask(b"/b", BOTH, JSON, body=CALL, in_parts=True)
        page = await ask(b"/b", BOTH, JSON, (b"origin", b"http://evil.example"), body=CALL)

    assert (200, 7, "no_route") == (
        reply.status,
        reply.said["id"],
        reply.fields["x-authproxy-error"],
    )
    assert page.status in (403, 404)
    assert b"jsonrpc" not in page.body


@VERSIONS
async def test_what_strangers_send_is_not_looked_at(version: str) -> None:
    async with refused(version) as ask:
        host = await ask(b"/", BOTH, JSON, body=CALL, host=b"evil.example")
        page = await ask(b"/", BOTH, JSON, (b"origin", b"http://evil.example"), body=CALL)
        trace = await ask(b"/", BOTH, JSON, body=CALL, method=b"TRACE")

    assert [421, 403, 405] == [host.status, page.status, trace.status]
    for reply in (host, page, trace):
        assert b"jsonrpc" not in reply.body


@VERSIONS
async def test_a_service_that_is_down_is_told(version: str) -> None:
    async with raw_service() as gone:
        url = gone.url
    async with proxying(url) as proxy:
        reply = await Asker(version, proxy)(b"/", BOTH, JSON, body=CALL, in_parts=True)
        (exchange,) = await proxy.heard.wait_for(1)

    assert (200, 7) == (reply.status, reply.said["id"])
    assert ("connect_failed", 502) == (reply.fields["x-authproxy-error"], exchange.status)


@VERSIONS
async def test_it_can_be_switched_off(version: str) -> None:
    async with refused(version, mcp=False) as ask:
        page = await ask(b"/403", BOTH, JSON, body=CALL)
        listening = await ask(b"/401", (b"accept", b"text/event-stream"), method=b"GET")
        ask.proxy.tokens.token = None
        ask.proxy.tokens.arrives.set_exception(CredentialError("No token can be had."))
        own = await ask(b"/", BOTH, JSON, body=CALL)
        found = await ask(DISCOVERY[0], method=b"GET")
        host = await ask(DISCOVERY[0], method=b"GET", host=b"evil.example")

    assert [403, 401, 503, 503, 421] == [
        each.status for each in (page, listening, own, found, host)
    ]
    assert {"error", "message", "hint", "request_id"} == set(own.said)
