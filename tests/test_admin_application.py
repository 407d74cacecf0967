"""What is asked of the admin listener, by a real client: keys, cookies, and how answers look."""

import asyncio
import io
from ipaddress import IPv4Address, IPv4Network

import pytest
from aiohttp import web

from authproxy.admin.application import DRESS
from authproxy.admin.guard import AdminAccess
from authproxy.admin.views import View, as_json
from authproxy.policy.access.networks import AddressSet
from authproxy.policy.messages.cookies import local_cookie, service_cookies
from authproxy.values.credentials import parse_service_name
from tests.support.admin import BEARER, KEY, Admin, admin_listener

ACCESS = AdminAccess(allow=AddressSet([IPv4Network("10.0.0.0/8")]))


async def say(request: web.Request) -> web.Response:
    return as_json({"path": request.path, "query": dict(request.query)})


async def fail(_request: web.Request) -> web.Response:
    raise RuntimeError("an inside story")


async def read(request: web.Request) -> web.Response:
    return as_json({"bytes": len(await request.read())})


VIEWS = (
    View(path="/open", handler=say, is_open=True),
    View(path="/guarded", handler=say),
    View(path="/things/{id}", handler=say),
    View(path="/act", handler=read, method="POST"),
    View(path="/fails", handler=fail, is_open=True),
)


async def codes(admin: Admin, *requests: tuple[str, str, dict[str, str]]) -> list[int]:
    return [(await admin.ask(path, method, **fields))[0] for method, path, fields in requests]


async def test_what_is_not_there_is_said_with_what_is() -> None:
    async with admin_listener(VIEWS, ACCESS) as admin:
        status, _, text = await admin.ask("/nothing", Authorization=BEARER["Authorization"])

    assert 404 == status
    assert "/readiness, /metrics and /api/status" in text


async def test_a_key_opens_what_is_guarded() -> None:
    async with admin_listener(VIEWS, ACCESS) as admin:
        found = await codes(
            admin,
            ("GET", "/open", {}),
            ("HEAD", "/open", {}),
            ("GET", "/guarded", {}),
            ("GET", "/guarded", BEARER),
            ("HEAD", "/guarded", BEARER),
            ("GET", "/things/7", {"X-Api-Key": KEY}),
            ("GET", "/guarded", {"Authorization": f"Basic {KEY}"}),
            ("POST", "/act", {}),
            ("POST", "/act", BEARER),
            ("POST", f"/act?key={KEY}", {}),
            ("GET", "/act", BEARER),
            ("POST", "/guarded", BEARER),
            ("GET", "/nothing", BEARER),
            ("GET", "/", {}),
        )

    assert [200, 200, 401, 200, 200, 200, 401, 401, 200, 401, 405, 405, 404, 404] == found


async def test_the_key_in_an_address_becomes_a_cookie() -> None:
    async with admin_listener(VIEWS, ACCESS) as admin:
        status, fields, _ = await admin.ask(f"/guarded?a=b&key={KEY}&c=d")
        cookie = fields["set-cookie"].partition(";")[0]
        shown = await admin.ask("/guarded", Cookie=f'odd="; x=y; {cookie}')
        again = await admin.ask(f"/guarded?key={KEY}", Cookie=cookie)
        acts = await codes(
            admin,
            ("POST", "/act", {"Cookie": cookie}),
            ("POST", "/act", {"Cookie": cookie, "Origin": admin.url}),
            ("POST", "/act", {"Cookie": cookie, "Origin": "http://127.0.0.1:1"}),
            ("GET", "/guarded", {"Cookie": cookie + "x"}),
        )

    assert (303, "/guarded?a=b&c=d") == (status, fields["location"])
    assert fields["set-cookie"].endswith("; HttpOnly; Path=/; SameSite=Strict")
    assert KEY not in fields["set-cookie"]
    assert f"authproxy.-admin.{admin.port}" == cookie.partition("=")[0]
    assert 200 == shown[0]
    assert (303, "/guarded") == (again[0], again[1]["location"])
    assert [403, 200, 403, 401] == acts


@pytest.mark.parametrize("mark", [b"", b"billing", b"admin"])
async def test_the_cookie_reaches_no_service_and_none_can_set_it(mark: bytes) -> None:
    async with admin_listener(VIEWS, ACCESS) as admin:
        _, fields, _ = await admin.ask(f"/guarded?key={KEY}")
    cookie = fields["set-cookie"].partition(";")[0].encode()

    for is_plain in (True, False):
        sent = service_cookies(b"a=1; %b; b=2" % cookie, mark, is_plain=is_plain)
        forged = local_cookie(cookie, is_plain=is_plain, prefix=b"/x", mark=mark)

        assert (b"a=1; b=2", None) == (sent, forged)
    with pytest.raises(ValueError, match="-admin"):
        parse_service_name("-admin")


async def test_a_path_with_two_slashes_leads_to_no_other_host() -> None:
    async with admin_listener([View(path="/{rest:.*}", handler=say)]) as admin:
        _, fields, _ = await admin.ask(f"//evil.example/?key={KEY}")

    assert "/evil.example/" == fields["location"]


async def test_others_that_are_allowed_have_what_is_open_and_no_more() -> None:
    async with admin_listener(VIEWS, ACCESS) as admin:
        admin.peer.append(IPv4Address("10.1.2.3"))
        found = await codes(
            admin, ("GET", "/open", {"Host": "10.4.4.4:4040"}), ("GET", "/guarded", BEARER)
        )

    assert [200, 403] == found


async def test_wrong_keys_make_the_next_ones_wait() -> None:
    async with admin_listener(VIEWS, ACCESS) as admin:
        found = await codes(
            admin,
            *[("GET", "/guarded", {"X-Api-Key": f"wrong{number}"}) for number in range(30)],
            ("GET", "/guarded", BEARER),
            ("GET", "/open", {}),
        )

    assert 401 == found[0]
    assert [429, 429, 200] == found[-3:]


async def test_every_answer_is_dressed_and_says_nothing_of_what_made_it() -> None:
    async with admin_listener(VIEWS, ACCESS) as admin:
        answers = [
            await admin.ask("/open"),
            await admin.ask("/guarded"),
            await admin.ask(f"/guarded?key={KEY}"),
            await admin.ask("/nothing"),
            await admin.ask("/open", "POST"),
            await admin.ask("/fails"),
            await admin.ask("/open", Host="evil.example"),
            await admin.ask("/open", Origin="http://evil.example"),
        ]

    assert [200, 401, 303, 404, 405, 500, 421, 403] == [status for status, _, _ in answers]
    for _, fields, text in answers:
        assert {name: fields.get(name.lower()) for name in DRESS} == DRESS
        assert "server" not in fields
        assert "inside story" not in text


async def test_a_large_body_is_refused() -> None:
    async with (
        admin_listener(VIEWS, ACCESS) as admin,
        admin.session.post(
            f"{admin.url}/act", headers=BEARER, data=io.BytesIO(b"x" * 2_000_000)
        ) as answer,
    ):
        assert 413 == answer.status


async def say_raw(admin: Admin, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", admin.port)
    writer.write(request)
    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return answer


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /open HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        b"GET /open HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /open HTTP/1.1\r\nHost: localhost\r\n" + b"a: b\r\n" * 100 + b"\r\n",
        b"GET /open HTTP/1.1\r\nHost: localhost\r\nOrigin: a\r\nOrigin: b\r\n\r\n",
    ],
    ids=["two hosts", "no host", "no request", "long line", "many fields", "two origins"],
)
async def test_what_is_no_proper_request_gets_400(request_: bytes) -> None:
    async with admin_listener(VIEWS, ACCESS) as admin:
        answer = await say_raw(admin, request_)

    assert b" 400 " == answer[8:13]
    assert b"aiohttp" not in answer
    assert b"Python" not in answer
