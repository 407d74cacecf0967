import asyncio
from collections.abc import Mapping

import pytest

from authproxy.errors import Refused, UpstreamError
from authproxy.inspector.replay import Replayer, ReplayListener, ReplayRequest, request_of, written
from authproxy.tasks import Tasks
from tests.support.recorded import Stage, Story, ok, recorded


def replayer(stage: Stage, *, port: int = 0, tasks: Tasks | None = None) -> Replayer:
    door = ReplayListener(host="127.0.0.1", port=port or stage.proxy.port)
    return Replayer(
        lambda: [door],
        stage.recording.replays,
        stage.recording.store.note_replays,
        tasks or Tasks(),
    )


async def test_replay_is_the_same_request_with_a_token_and_known_as_one() -> None:
    came: list[bytes] = []

    def answer(head: bytes, body: bytes) -> bytes:
        came.append(head + body)
        return ok(b"x")

    async with recorded(answer) as stage:
        await stage.proxy.exchange(
            b"PUT /a?b=1 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX-Odd: \xc3\xbc\r\nContent-Length: 2\r\n"
            b"Content-Type: text/plain\r\nConnection: close\r\n\r\nhi" % stage.proxy.port
        )
        first, tasks = stage.newest, Tasks()
        status = await replayer(stage, tasks=tasks).send(first, request_of(first, {}))
        await stage.proxy.heard.wait_for(2)
        second = stage.newest
        await tasks.settle(5)

    assert 200 == status
    assert ("1", "") == (second.replayed_from, first.replayed_from)
    assert sorted(came[0].split(b"\r\n")) == sorted(came[1].split(b"\r\n"))
    assert b"Authorization: Bearer" in came[1]
    assert b"x-authproxy-replay" not in came[1].lower()
    assert {} == stage.recording.replays


async def test_rules_of_access_hold_for_a_replay() -> None:
    async with recorded(lambda *_: ok()) as stage:
        await stage.proxy.exchange(
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n" % stage.proxy.port
        )
        record, tasks = stage.newest, Tasks()
        made = request_of(record, {"host": "evil.example"})
        status = await replayer(stage, tasks=tasks).send(record, made)
        await stage.proxy.heard.wait_for(2)
        await tasks.settle(5)

    assert 421 == status


async def test_listener_that_does_not_answer_is_named() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with recorded(lambda *_: ok()) as stage:
        await stage.proxy.exchange(
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n" % stage.proxy.port
        )
        record = stage.newest
        with pytest.raises(UpstreamError, match="gave no answer"):
            await replayer(stage, port=port).send(record, request_of(record, {}))


async def test_without_a_listener_to_go_through_it_says_so() -> None:
    record = Story().tell()

    with pytest.raises(Refused, match="No listener is open"):
        await Replayer(list, {}, list, Tasks()).send(record, request_of(record, {}))


@pytest.mark.parametrize(
    ("asked", "changes", "message"),
    [
        ([("Upgrade", "websocket")], {}, "WebSockets cannot be replayed"),
        ([], {"method": 7}, "`method` cannot be read"),
        ([], {"headers": {"a": "b"}}, "`headers` cannot be read"),
        ([], {"headers": [["a"]]}, "`headers` cannot be read"),
        ([], {"headers": [["a", "\ud800"]]}, "`headers` cannot be read"),
        ([], {"target": "/\ud800"}, "`target` cannot be read"),
        ([], {"body": "\udfff"}, "`body` cannot be read"),
        ([], {"haeders": []}, '"haeders" cannot be changed; did you mean "headers"?'),
    ],
    ids=str,
)
def test_what_cannot_be_sent_says_why(
    asked: list[tuple[str, str]], changes: Mapping[str, object], message: str
) -> None:
    record = Story().tell(*asked)

    with pytest.raises(Refused, match=message):
        request_of(record, changes)


def test_what_was_not_kept_has_to_be_given() -> None:
    record = Story().tell(("X-Api-Key", "12345678"), target=b"/?token=1234567890")

    with pytest.raises(Refused, match="had a secret in it"):
        request_of(record, {})
    made = request_of(record, {"target": "/?token=mine", "headers": [["X-Api-Key", "mine"]]})

    assert ("/?token=mine", [("X-Api-Key", "mine")]) == (made.target, made.headers)
    assert [] == request_of(record, {"target": "/"}).headers


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "GET /evil HTTP/1.1\r\nX: y\r\n\r\nGET"},
        {"target": "/a b"},
        {"target": ""},
        {"host": "a\r\nX: y"},
        {"headers": [("A", "b\r\n\r\nGET / HTTP/1.1")]},
        {"headers": [("A\0", "b")]},
    ],
    ids=str,
)
def test_one_request_never_becomes_two(changes: Mapping[str, object]) -> None:
    usual = {"method": "GET", "target": "/", "host": "a", "headers": [], "body": b""}

    with pytest.raises(Refused, match="cannot be read"):
        written(ReplayRequest(**{**usual, **changes}), b"mark")  # type: ignore[arg-type]  # -- rows of a table
