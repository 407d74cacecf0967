import time
from typing import Any

from authproxy.inspector.recording.record import Facts
from authproxy.inspector.views.detail import detail, waterfall
from authproxy.times import Opening, Times, Wait
from tests.support.recorded import Story, ok, recorded


async def test_detail_has_all_of_an_exchange() -> None:
    body = b'{"jsonrpc": "2.0", "id": 1, "result": {}}'
    async with recorded(
        lambda *_: ok(body, b"Content-Type: application/json"), api_key="an-api-key"
    ) as stage:
        asked = b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}'
        await stage.proxy.exchange(
            b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n"
            b"Content-Length: %d\r\nContent-Type: application/json\r\n\r\n%b"
            % (stage.proxy.port, len(asked), asked)
        )
        found: Any = detail(stage.newest, now=3e9)

    changes = {line["name"]: line for line in found["tries"][0]["headers"]}
    names = [part["name"] for part in found["waterfall"]]
    assert "replaced" == changes["Host"]["change"]
    assert "secret of the configuration" == changes["X-Api-Key"]["why"]
    assert ("Bearer [token]", "token") == (
        changes["Authorization"]["value"],
        changes["Authorization"]["why"],
    )
    assert "an-api-key" not in str(found)
    assert {"connect", "first byte", "body"} <= set(names)
    assert 1e9 == found["token"]["remaining_s"]
    assert [("ping", {})] == [(each["method"], each["result"]) for each in found["calls"]]
    assert ("service", 200, body.decode()) == (
        found["answer"]["from"],
        found["answer"]["status"],
        found["answer"]["body"]["text"],
    )


def test_detail_of_an_exchange_under_way_says_what_is_known() -> None:
    story = Story()
    story.begin()

    found = detail(next(story.recording.store.newest_first()))

    assert (None, None, []) == (found["answer"], found["token"], found["tries"])


def test_detail_names_the_hint_that_the_client_got() -> None:
    story = Story()
    exchange = story.begin()
    story.answer(exchange, ("X-Authproxy-Hint", "run this"), status=403)

    assert "run this" == detail(story.end(exchange))["hint"]


def facts(times: Times, first_byte_s: float = 0.5, duration_s: float = 0.6) -> Facts:
    record = Story().tell()
    return record.facts._replace(
        times=times, first_byte_s=first_byte_s, duration_s=duration_s, started=100.0
    )


def test_waterfall_has_each_wait_in_order() -> None:
    times = Times()
    times.waits = Wait("token", 0.0, 0.1), Wait("connection", 0.1, 0.4)
    times.opening = Opening(began=100.15, connected=100.3, ready=100.4)

    found = [
        (part["name"], part["from_ms"], part["to_ms"]) for part in waterfall(facts(times), 0.41)
    ]

    assert [
        ("token", 0.0, 100.0),
        ("queue", 100.0, 150.0),
        ("connect", 150.0, 300.0),
        ("tls", 300.0, 400.0),
        ("first byte", 410.0, 500.0),
        ("body", 500.0, 600.0),
    ] == found


def test_connection_that_was_begun_for_another_exchange_begins_at_zero() -> None:
    times = Times()
    times.waits = (Wait("connection", 0.0, 0.2),)
    times.opening = Opening(began=90.0, connected=100.1, ready=100.2)

    found = [(part["name"], part["from_ms"]) for part in waterfall(facts(times), 0.2)]

    assert [("connect", 0.0), ("tls", 100.0), ("first byte", 200.0), ("body", 500.0)] == found


def test_waterfall_has_the_waits_of_each_try_and_those_of_http2_at_one_time() -> None:
    times = Times()
    times.waits = (
        Wait("connection", 0.0, 0.3),
        Wait("token", 0.1, 0.4),
        Wait("token", 0.45, 0.48),
    )
    found = [
        (part["name"], part["from_ms"], part["to_ms"]) for part in waterfall(facts(times), 0.49)
    ]

    assert [
        ("queue", 0.0, 300.0),
        ("token", 100.0, 400.0),
        ("token", 450.0, 480.0),
        ("first byte", 490.0, 500.0),
        ("body", 500.0, 600.0),
    ] == found


def test_waterfall_of_who_still_waits_ends_now() -> None:
    times = Times()
    times.waits = (Wait("token", 0.0),)
    live = facts(times, 0.0, 0.0)._replace(started=time.monotonic() - 5)
    (only,) = waterfall(live, 0.0)

    assert "token" == only["name"]
    assert float(str(only["to_ms"])) >= 5000


def test_waterfall_of_an_exchange_under_way_ends_now() -> None:
    times = Times()
    live = facts(times, 0.0, 0.0)._replace(started=time.monotonic() - 5)

    (only,) = waterfall(live, 0.1)

    assert float(str(only["to_ms"])) >= 5000
