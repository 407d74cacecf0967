import asyncio
import json
from collections.abc import Sequence

import pytest

from authproxy.commands.status import REQUEST
from authproxy.errors import Code
from authproxy.exchange import Exchange, make_field
from authproxy.observe.access_lines import Style
from authproxy.observe.access_log import EVERY_ONE, AccessLog, Choice
from authproxy.observe.stream import LogStream
from authproxy.observe.trace_context import TraceContext
from authproxy.wire.http1.heads import parse_field
from tests.support.exchanges import Sent, exchange


async def test_lines_of_one_loop_iteration_are_written_at_once() -> None:
    sent = Sent()
    log = AccessLog(LogStream(sent), "text")
    log.exchange_ended(exchange())
    log.exchange_ended(exchange(status=404))
    assert [] == sent.pieces
    assert "0 lines left out]>>" in repr(log)

    await asyncio.sleep(0)
    assert [2] == [data.count(b"\n") for data in sent.pieces]

    log.exchange_ended(exchange())
    await asyncio.sleep(0)
    assert [2, 1] == [data.count(b"\n") for data in sent.pieces]


async def test_lines_are_json_when_asked_for() -> None:
    sent = Sent()
    log = AccessLog(LogStream(sent), "json")
    log.exchange_ended(exchange())
    await asyncio.sleep(0)

    assert "abc-7" == json.loads(sent.text)["request_id"]


async def test_a_line_that_still_waits_is_in_the_stream_when_the_program_ends() -> None:
    sent = Sent()
    stream = LogStream(sent)
    AccessLog(stream, "text").exchange_ended(exchange())
    stream.drain(0)

    assert 1 == sent.text.count("\n")


def asked(request: bytes, *, code: Code | None, client: str | None = "127.0.0.1") -> Exchange:
    """The exchange that `request` begins."""
    line, *fields = request.removesuffix(b"\r\n\r\n").split(b"\r\n")
    method, target, _ = line.split(b" ")
    made = exchange(method=method, target=target, client=client, host=b"authproxy.invalid")
    made.code = code
    made.head.headers[:] = [parse_field(field) for field in fields]
    return made


async def test_health_checks_leave_no_line_and_others_of_that_name_do() -> None:
    sent = Sent()
    log = AccessLog(LogStream(sent), "text")
    for code in (Code.HOST_NOT_ALLOWED, Code.ADDRESS_NOT_ALLOWED):
        for client in ("127.0.0.1", "::1", None):
            log.exchange_ended(asked(REQUEST, code=code, client=client))
    await asyncio.sleep(0)
    assert "" == sent.text

    others = [
        REQUEST.replace(b"GET / ", b"GET /seen "),
        REQUEST.replace(b"GET / ", b"POST / "),
        REQUEST.replace(b"close", b"keep-alive"),
        REQUEST.replace(b"\r\nConnection: close", b""),
        REQUEST.replace(b"\r\nConn", b"\r\nAccept: */*\r\nConn"),
    ]
    for request in others:
        log.exchange_ended(asked(request, code=Code.HOST_NOT_ALLOWED))
    log.exchange_ended(asked(REQUEST, code=Code.HOST_NOT_ALLOWED, client="192.0.2.7"))
    log.exchange_ended(asked(REQUEST, code=Code.KEY_REQUIRED))
    log.exchange_ended(asked(REQUEST, code=None))
    await asyncio.sleep(0)
    assert len(others) + 3 == sent.text.count("\n")


async def lines_of(
    exchanges: Sequence[Exchange], choice: Choice, style: Style | None = None
) -> list[dict[str, object]]:
    sent = Sent()
    log = AccessLog(LogStream(sent), "json", style=style or Style(), choice=choice)
    for made in exchanges:
        log.exchange_ended(made)
    await asyncio.sleep(0)
    return [json.loads(line) for line in sent.text.splitlines()]


def slow(made: Exchange) -> Exchange:
    made.first_byte_s = 2.0
    return made


async def test_of_good_answers_a_share_is_written_and_says_so() -> None:
    lines = await lines_of([exchange() for _ in range(1000)], Choice(share=0.1))

    assert 99 <= len(lines) <= 101
    assert {0.1} == {line["sample"] for line in lines}
    assert [] == await lines_of([exchange() for _ in range(100)], Choice(share=0.0))
    everything = await lines_of([exchange() for _ in range(100)], EVERY_ONE)
    assert [False] * 100 == ["sample" in line for line in everything]


@pytest.mark.parametrize(
    "made",
    [
        exchange(status=404),
        exchange(status=500),
        exchange(status=503, code=Code.TOKEN_UNAVAILABLE),
        exchange(status=403, code=Code.ADDRESS_NOT_ALLOWED, service=""),
        exchange(status=0, aborted="client"),
        exchange(aborted="client"),
        exchange(aborted="service", code=Code.UPSTREAM_BROKE),
        exchange(grpc_status=5),
        slow(exchange()),
    ],
    ids=repr,
)
async def test_what_is_no_good_answer_is_always_written(made: Exchange) -> None:
    (line,) = await lines_of([made], Choice(share=0.0))

    assert "sample" not in line


async def test_the_lines_of_a_trace_stay_together() -> None:
    ids = [f"{number:016x}{number * 0x9E3779B97F4A7C15 % 2**64:016x}" for number in range(1, 200)]
    made = [
        exchange(fields=(make_field(b"traceparent", f"00-{trace}-00f067aa0ba902b7-00".encode()),))
        for trace in ids
        for _ in range(3)
    ]
    first = await lines_of(made, Choice(share=0.25))
    second = await lines_of(list(reversed(made)), Choice(share=0.25))

    seen = [line["logging.googleapis.com/trace"] for line in first]
    assert sorted(map(str, seen)) == sorted(
        str(line["logging.googleapis.com/trace"]) for line in second
    )
    assert {3} == {seen.count(trace) for trace in seen}
    assert 40 <= len(set(seen)) <= 60


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", [200, 404, 403, 502]),
        ("info", [200, 404, 403, 502]),
        ("warning", [403, 502]),
        ("error", [502]),
    ],
)
async def test_a_service_may_have_a_level_of_its_own(level: str, expected: list[int]) -> None:
    made = [
        exchange(status=200),
        exchange(status=404),
        exchange(status=403, code=Code.METHOD_NOT_ALLOWED),
        exchange(status=502, code=Code.CONNECT_FAILED),
    ]
    others = [exchange(service="reports"), exchange(service="", status=421)]

    lines = await lines_of([*made, *others], Choice(levels={"billing": level}))
    assert [*expected, 200, 421] == [line["status"] for line in lines]


async def test_a_line_has_the_trace_that_it_is_told() -> None:
    sent = Sent()
    trace = TraceContext("0" * 31 + "7", "0" * 15 + "8", sampled=True, is_w3c=True)
    log = AccessLog(LogStream(sent), "json", trace_of=lambda _: trace)
    log.exchange_ended(exchange())
    await asyncio.sleep(0)

    line = json.loads(sent.text)
    assert trace.trace_id == line["logging.googleapis.com/trace"]
    assert trace.span_id == line["logging.googleapis.com/spanId"]
