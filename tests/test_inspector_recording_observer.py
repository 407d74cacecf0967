import asyncio
from typing import Any

import pytest

from authproxy.exchange import ResponseHead
from authproxy.inspector.bodies.content import WholeBody
from authproxy.inspector.recording.observer import AT_ONCE, WAIT_S
from authproxy.inspector.recording.record_maker import MOST_TRIES
from authproxy.inspector.views.detail import detail
from authproxy.wire import refusals
from tests.support.recorded import Story, fields, ok, recorded

SECRET = b"s3cr3t-of-a-test"


async def test_exchange_is_recorded_from_head_to_head() -> None:
    async with recorded(lambda *_: ok(b"hi", b"Alt-Svc: h3", b"X-Any: 1"), bodies=False) as stage:
        await stage.proxy.exchange(
            b"GET /a?token=%b HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX-Own: 2\r\n"
            b"Connection: close\r\n\r\n" % (SECRET, stage.proxy.port)
        )
        record = stage.newest
    (only,) = record.tries
    answer = record.answer
    assert answer is not None
    assert answer.came is not None

    assert (b"GET", "2", 200) == (record.method, record.request.get(b"x-own"), record.facts.status)
    assert ("2", b"Authorization", True) == (
        only.head.get(b"x-own"),
        only.token_name,
        only.opening is not None,
    )
    assert ("h3", "", "1") == (
        answer.came.get(b"alt-svc"),
        answer.sent.get(b"alt-svc"),
        answer.sent.get(b"x-any"),
    )
    assert only.token is not None
    assert only.token.principal == record.facts.principal == "tester@example.com"
    assert SECRET not in record.target
    assert record.content is None


async def test_what_is_refused_is_recorded_with_our_answer() -> None:
    async with recorded(lambda *_: ok()) as stage:
        await stage.proxy.exchange(
            b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
        )
        record = stage.newest

    assert ("host_not_allowed", 421, ()) == (record.facts.code, record.facts.status, record.tries)
    assert record.answer is not None
    assert record.answer.came is None
    assert "host_not_allowed" == record.answer.sent.get(b"x-authproxy-error")


async def test_trailers_are_recorded_without_secrets() -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Token\r\n\r\n"
        b"2\r\nhi\r\n0\r\nX-Token: " + SECRET + b"\r\nX-Sum: 7\r\n\r\n"
    )
    async with recorded(lambda *_: answer) as stage:
        await stage.proxy.exchange(
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nTE: trailers\r\nConnection: close\r\n\r\n"
            % stage.proxy.port
        )
        trailers = stage.newest.trailers

    assert trailers is not None
    assert "7" == trailers.get(b"x-sum")
    assert trailers.get(b"x-token").startswith("[redacted:")


def test_number_of_tries_that_are_kept_is_bounded() -> None:
    from tests.test_inspector_recording_kept_heads import sent

    story = Story()
    exchange = story.begin()
    for _ in range(3 * MOST_TRIES):
        story.recorder.head_sent(exchange, sent(b"Host: a"))

    assert MOST_TRIES == len(story.end(exchange).tries)


def test_replay_is_known_by_its_mark_once() -> None:
    story = Story()
    story.recording.replays[b"mark"] = "7"

    first = story.tell(("X-Authproxy-Replay", "mark"))
    second = story.tell(("X-Authproxy-Replay", "mark"))

    assert ("7", "") == (first.replayed_from, second.replayed_from)


async def test_what_has_ended_is_kept_before_anybody_asks() -> None:
    story = Story()
    store = story.recording.store
    story.end_after_all(story.begin())
    at_first = len(store.waiting)
    await asyncio.sleep(2 * WAIT_S)
    later = len(store.waiting)
    for _ in range(AT_ONCE - 1):
        story.end_after_all(story.begin())
    many = len(store.waiting)
    story.end_after_all(story.begin())

    assert (1, 0, AT_ONCE - 1, 0) == (at_first, later, many, len(store.waiting))
    assert 1 + AT_ONCE == len(store)
    assert repr(store) in repr(story.recording.observers[-1])


@pytest.mark.parametrize("bodies", [False, True])
@pytest.mark.parametrize("refused", ["service found", "no service"])
async def test_what_we_answer_by_ourselves_is_kept_of_every_service(
    refused: str, *, bodies: bool
) -> None:
    async with recorded(
        lambda *_: ok(b"theirs", b"Content-Type: text/plain"), bodies=bodies
    ) as stage:
        host = b"evil.example" if refused == "no service" else b"127.0.0.1:%d" % stage.proxy.port
        said = await stage.proxy.exchange(
            b"TRACE / HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % host
        )
        found: dict[str, Any] = detail(stage.newest)
        await stage.proxy.exchange(
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n" % stage.proxy.port
        )
        other = stage.newest
        store = stage.recording.store

    body = found["answer"]["body"]
    assert body["text"].encode() == said.rpartition(b"\r\n\r\n")[2]
    assert body["text"]
    assert bodies is (other.content is not None)
    store.clear()
    assert store.used < 4096  # heads that are remembered: what was counted for bodies is free


def test_an_answer_of_our_own_is_kept_without_secrets() -> None:
    story = Story()
    exchange = story.begin()
    body = b'{"hint": "not with token=%b"}' % SECRET
    error = refusals.body_too_large(5)
    story.recorder.refused(exchange, error)
    head = ResponseHead(413, b"", fields(("Content-Type", "application/json")))
    story.recorder.own_answer(exchange, head, body)
    record = story.end(exchange)

    assert record.content is not None
    kept = record.content.answer
    assert isinstance(kept, WholeBody)
    assert kept.content.startswith(b'{"hint": "not with token=[redacted:')
    assert not record.records_content
