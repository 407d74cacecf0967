import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer

from authproxy.inspector.api import MOST_STREAMS, Inspector
from authproxy.inspector.assembly import Recording
from authproxy.inspector.proxy_state import ProxyState
from authproxy.inspector.replay import Replayer, ReplayListener
from authproxy.inspector.service_api import ServiceApi
from authproxy.tasks import Tasks
from tests.support.admin import KEY as ADMIN_KEY
from tests.support.admin import Admin, admin_listener
from tests.support.inspecting import inspector_of
from tests.support.recorded import Story, ok, recorded

Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def asking(recording: Recording, port: int = 0) -> AsyncIterator[Client]:
    """The API alone: that it is guarded is the admin listener's business, and tried there."""

    async def examined() -> str:
        return '{"ok": true}'

    around = ProxyState(
        services=lambda: [{"name": "billing"}],
        configuration=lambda: '{"settings": {}}',
        examine=examined,
        doors=lambda: [ReplayListener(host="127.0.0.1", port=port)],
    )
    tasks = Tasks()
    note_replays = recording.store.note_replays
    replayer = Replayer(around.doors, recording.replays, note_replays, tasks)
    inspector = Inspector(recording, around, replayer)
    app = web.Application()
    for view in [*inspector.views(), *ServiceApi(around, recording).views()]:
        assert not view.is_open
        app.router.add_route(view.method, view.path, view.handler)
    async with TestClient(TestServer(app)) as client:
        yield client
        await tasks.settle(5)


async def get(client: Client, path: str, status: int = 200) -> Any:
    answer = await client.get(path)
    assert status == answer.status
    return await answer.json()


async def post(client: Client, path: str, status: int = 200, body: str = "") -> Any:
    answer = await client.post(path, data=body)
    assert status == answer.status, await answer.text()
    return await answer.json()


async def test_list_is_newest_first_and_goes_on_where_it_ended() -> None:
    story = Story()
    for number in range(1, 6):
        story.tell(target=b"/%d" % number)
    async with asking(story.recording) as client:
        first = await get(client, "/api/exchanges?limit=2")
        second = await get(client, f"/api/exchanges?limit=2&before={first['exchanges'][-1]['id']}")
        rest = await get(client, "/api/exchanges?before=2")

    assert (5, True, False) == (first["kept"], first["more"], rest["more"])
    assert [["5", "4"], ["3", "2"], ["1"]] == [
        [row["id"] for row in each["exchanges"]] for each in (first, second, rest)
    ]
    assert story.recording.store.used == first["memory"]["used"]


async def test_filters_say_what_is_listed() -> None:
    story = Story()
    story.tell(target=b"/good")
    story.tell(target=b"/bad", status=500)
    async with asking(story.recording) as client:
        found = await get(client, "/api/exchanges?status=5xx")
        wrong = await get(client, "/api/exchanges?kind=odd", 400)
        number = await get(client, "/api/exchanges?limit=many", 400)

    assert ["/bad"] == [row["target"] for row in found["exchanges"]]
    assert "one of grpc" in wrong["hint"]
    assert "limit is not a number." == number["message"]


@pytest.mark.parametrize("path", ["7", "7/har", "7/commands", "7/answer-body", "compare?a=1&b=x"])
async def test_what_is_not_kept_is_404(path: str) -> None:
    story = Story()
    story.tell()
    async with asking(story.recording) as client:
        assert (await get(client, f"/api/exchanges/{path}", 404))["hint"]


async def test_everything_about_one_exchange_can_be_had() -> None:
    story = Story(with_content=["billing"])
    exchange = story.begin(target=b"/a?token=1234567890")
    story.answer(exchange, ("Content-Type", "text/html"))
    story.recorder.answer_piece(exchange, b"<script>alert(1)</script>")
    story.end(exchange, 0, 25)
    async with asking(story.recording) as client:
        detail = await get(client, "/api/exchanges/1")
        har = await get(client, "/api/exchanges/1/har")
        commands = await get(client, "/api/exchanges/1/commands")
        same = await get(client, "/api/exchanges/compare?a=1&b=1")
        body = await client.get("/api/exchanges/1/answer-body")
        text = await body.text()

    assert ("/a?token=[redacted:", ["query"]) == (detail["target"][:19], detail["missing"])
    assert 1 == len(har["log"]["entries"])
    assert "curl" in commands["local"]
    assert all(fact["same"] for fact in same["facts"])
    assert "<script>alert(1)</script>" == text
    assert ("text/plain", True) == (
        body.content_type,
        "sandbox" in body.headers["Content-Security-Policy"],
    )


async def test_har_of_all_has_those_that_fit_in_the_order_they_came() -> None:
    story = Story()
    for number in range(4):
        story.tell(target=b"/%d" % number, status=200 if number else 404)
    async with asking(story.recording) as client:
        answer = await client.get("/api/exchanges/har?status=2xx")
        found = json.loads(await answer.text())
        none = json.loads(await (await client.get("/api/exchanges/har?text=none")).text())

    assert ["/1", "/2", "/3"] == [
        entry["request"]["url"].removeprefix("http://localhost")
        for entry in found["log"]["entries"]
    ]
    assert [] == none["log"]["entries"]


async def test_request_appears_in_the_stream_within_two_hundred_milliseconds() -> None:
    story = Story()
    loop = asyncio.get_running_loop()
    async with asking(story.recording) as client, client.get("/api/exchanges/stream") as answer:
        while await answer.content.readline() != b"\n":
            pass
        at = loop.time()
        story.tell(target=b"/now")
        lines = [await answer.content.readline() for _ in range(3)]
        took = loop.time() - at

    assert b"event: changes\n" == lines[0]
    assert "/now" == json.loads(lines[2][6:])["exchanges"][0]["target"]
    assert took < 5, "far more than it is promised: machines of tests are slow"


async def test_stream_goes_on_after_the_last_event_and_not_in_another_run() -> None:
    story = Story()
    story.tell()
    async with asking(story.recording) as client:
        listed = await get(client, "/api/exchanges")
        story.tell(target=b"/missed")
        known = {"Last-Event-ID": f"{listed['run']}-{listed['position']}"}
        names = []
        for headers in (known, {"Last-Event-ID": "other-7"}):
            async with client.get("/api/exchanges/stream", headers=headers) as answer:
                lines = [await answer.content.readline() for _ in range(7)]
                names.append([lines[0], lines[4], b"/missed" in lines[6]])

    assert [b"event: hello\n", b"event: changes\n", True] == names[0]
    assert [b"event: hello\n", b"event: reset\n", False] == names[1]


async def test_pause_resume_and_clear() -> None:
    story = Story()
    async with asking(story.recording) as client:
        assert {"paused": True} == await post(client, "/api/exchanges/pause")
        story.end_after_all(story.begin())
        assert {"paused": False} == await post(client, "/api/exchanges/resume")
        story.tell()
        kept = (await get(client, "/api/exchanges"))["kept"]
        assert {"kept": 0} == await post(client, "/api/exchanges/clear")

    assert 1 == kept


async def test_what_acts_does_not_go_by_get() -> None:
    async with asking(Story().recording) as client:
        for path in ("exchanges/pause", "exchanges/clear", "exchanges/1/replay", "doctor"):
            assert 405 == (await client.get(f"/api/{path}")).status


WHO = "tester@example.com"
"""As whom the stage's proxy asks."""


async def test_replay_says_what_came_of_it() -> None:
    async with (
        recorded(lambda *_: ok(b"x")) as stage,
        asking(stage.recording, stage.proxy.port) as client,
    ):
        async with ClientSession() as session:
            await session.get(f"{stage.proxy.url}/a", headers={"Cookie": "a=1234567890"})
        found = await post(client, "/api/exchanges/1/replay")
        edited = await post(
            client, "/api/exchanges/1/replay", 200, '{"target": "/b", "headers": []}'
        )
        wrong = await post(client, "/api/exchanges/1/replay", 400, "[]")
        new = await get(client, f"/api/exchanges/{edited['id']}")

    assert {"status": 200, "id": "2", "principal": WHO, "left_out": ["Cookie"]} == found
    assert {"status": 200, "id": "3", "principal": WHO, "left_out": []} == edited
    assert ("/b", "1") == (new["target"], new["replayed_from"])
    assert "not a JSON object" in wrong["message"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain; charset=nobody-has-it", b"[]"),
        ("text/plain; charset=base64", b"[]"),
        ("application/json", b'{"method": "\xff"}'),
        ("application/json", b'{"method": "\\ud800"}'),
        ("application/json", b"[" * 100_000),
        ("application/json", b'{"method": %b}' % (b"9" * 5000)),
    ],
    ids=range(6),
)
async def test_body_that_cannot_be_read_is_the_asker_s_mistake(
    content_type: str, body: bytes
) -> None:
    story = Story()
    story.tell()
    async with asking(story.recording) as client:
        answer = await client.post(
            "/api/exchanges/1/replay", data=body, headers={"Content-Type": content_type}
        )

        assert (400, "bad_request") == (answer.status, (await answer.json())["error"])


async def test_readers_that_take_nothing_are_let_go_so_that_others_can_follow() -> None:
    """What they would hear is more than any buffer in between takes."""
    story = Story()
    views = inspector_of(story.recording, slow_reader_s=0.2).views()
    async with admin_listener(views) as admin, AsyncExitStack() as stack:
        asleep = [await stack.enter_async_context(sleeper(admin.port)) for _ in range(MOST_STREAMS)]
        assert 503 == await follow(admin)
        async with asyncio.timeout(30):
            while 503 == await follow(admin):
                for number in range(100):
                    story.tell(target=b"/%d" % number * 2000)
                await asyncio.sleep(0.1)
        assert await is_over_for_one(asleep)


@asynccontextmanager
async def sleeper(port: int) -> AsyncIterator[socket.socket]:
    """Follows the list, and after the first event takes nothing more."""
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        head = b"GET /api/exchanges/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
        await loop.sock_sendall(sock, head + ADMIN_KEY.encode() + b"\r\n\r\n")
        said = b""
        while b"event: hello" not in said:
            said += await loop.sock_recv(sock, 4096)
        yield sock


async def is_over_for_one(readers: Sequence[socket.socket]) -> bool:
    """Whichever: how much the system takes for each before it is full differs."""
    tasks = Tasks()
    ends = [tasks.start(end_of(sock), name="end") for sock in readers]
    over, _ = await asyncio.wait(ends, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    await tasks.cancel()
    return any(end.exception() is None for end in over)


async def end_of(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    with suppress(ConnectionError):
        while await loop.sock_recv(sock, 2**20):
            pass


async def follow(admin: Admin) -> int:
    url = f"{admin.url}/api/exchanges/stream"
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    async with admin.session.get(url, headers=headers) as answer:
        return answer.status
