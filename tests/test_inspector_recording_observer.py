import gc
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import pytest

from authproxy.exchange import ResponseHead
from authproxy.inspector.bodies.content import WholeBody
from authproxy.inspector.recording.record import OVERHEAD
from authproxy.inspector.recording.record_maker import MOST_TRIES
from authproxy.inspector.views.detail import detail
from authproxy.wire import refusals
from tests.support.proxying import TOKEN_TEXT
from tests.support.recorded import Story, fields, ok, recorded
from tests.test_inspector_recording_kept_heads import sent

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


def in_memory_of(*roots: object) -> Iterator[bytes]:
    """All bytes and texts that can be reached from there, but for those of classes and modules."""
    seen, left = set(), list(roots)
    while left:
        each = left.pop()
        if id(each) in seen or isinstance(each, type | ModuleType | FunctionType):
            continue
        seen.add(id(each))
        if isinstance(each, bytes | bytearray):
            yield bytes(each)
        elif isinstance(each, str):
            yield each.encode("utf-8", "surrogatepass")
        left += gc.get_referents(each)


def test_what_has_ended_is_without_secrets_at_once() -> None:
    story = Story(with_content=["billing"])
    secret = ("Authorization", f"Bearer {SECRET.decode()}")
    exchange = story.begin(secret, ("Content-Type", "text/plain"), target=b"/?key=" + SECRET)
    story.recorder.head_sent(exchange, sent(b"X-Api-Key: " + SECRET))
    story.recorder.request_piece(exchange, b"token=" + SECRET)
    story.answer(exchange, ("Set-Cookie", f"a={SECRET.decode()}"), ("Content-Type", "text/plain"))
    story.recorder.answer_piece(exchange, b"token=" + SECRET)
    assert any(SECRET in each for each in in_memory_of(story.recording, exchange))
    story.recorder.ended(exchange, 5, 5)
    number = exchange.number
    del exchange

    found = list(in_memory_of(story.recording, story.recorder))
    assert any(b"[redacted:" in each for each in found)
    assert not [each for each in found if SECRET in each]
    assert story.recording.store.find(number) is not None
    assert repr(story.recording.store) in repr(story.recording.observers[-1])


@pytest.mark.parametrize("bodies", [False, True])
async def test_heads_of_an_open_tunnel_are_without_secrets(*, bodies: bool) -> None:
    """But for the request's, which is the data path's own for as long as the exchange lasts."""
    answer = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        b"Set-Cookie: a=" + SECRET + b"\r\nX-Any: 1\r\n\r\n"
    )
    async with recorded(lambda *_: answer, bodies=bodies) as stage:
        reader, writer = await stage.proxy.connect()
        writer.write(
            b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
            b"Connection: upgrade\r\n\r\n" % stage.proxy.port
        )
        await reader.readuntil(b"\r\n\r\n")
        open_record = stage.newest
        (exchange,) = stage.recording.store.live
        found = list(in_memory_of(stage.recording, exchange))
        used = stage.recording.store.used
        writer.close()
        await stage.proxy.heard.wait_for(1)
        ended_record = stage.newest
        stage.recording.store.clear()

    assert not [each for each in found if SECRET in each or TOKEN_TEXT.encode() in each]
    assert used > 2 * OVERHEAD
    for record in (open_record, ended_record):
        assert record.answer is not None
        assert ("1", 101) == (record.answer.sent.get(b"x-any"), record.facts.status)
        (only,) = record.tries
        assert ("/ws", True) == (only.target.decode(), only.opening is not None)
        assert only.token is not None
    assert (True, False) == (open_record.is_live, ended_record.is_live)
    assert stage.recording.store.used < 4096


def test_tunnel_that_is_forgotten_takes_nothing() -> None:
    story = Story()
    exchange = story.begin()
    story.recorder.head_sent(exchange, sent(b"Host: a"))
    story.answer(exchange, status=101)
    story.recorder.tunnel_opened(exchange)
    assert story.recording.store.used > OVERHEAD

    story.recording.store.clear()
    story.end_after_all(exchange)
    assert (0, True) == (len(story.recording.store), story.recording.store.used < 2000)


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
