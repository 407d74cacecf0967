"""An exchange that was told of is shown as the one that it was."""

import json
from ipaddress import ip_address
from typing import Any

from authproxy.errors import Code
from authproxy.exchange import (
    NO_TOKEN,
    Exchange,
    RequestHead,
    ResponseHead,
    Secret,
    SentHead,
    Token,
    make_field,
)
from authproxy.times import Opening, Times, Wait
from authproxy.wire.recorder import retell
from authproxy.workers.inspecting.exchange_message import (
    PLAIN,
    read_block,
    read_client,
    read_facts,
    read_head,
    read_token,
    shown_exchange,
    shown_fields,
    shown_token,
)

TOKEN = Token(
    value=Secret("the-token"),
    expires_at=float("inf"),
    audience="https://a.example",
    principal="me@x.example",
    source="metadata",
    issued_at=1.0,
)
OPENING = Opening(began=1.0, connected=2.0, ready=3.0)
FIELDS = [make_field(b"Host", b"a"), make_field(b"X-Odd", b"\xff: \t;"), make_field(b"X", b"")]
ANSWER = ResponseHead(404, b"Not Found", [make_field(b"Server", b"s")])
LINES = b"Host: a\r\nX: y\r\n"
PAIRS = ((b":authority", b"a"), (b"x", b"y"))


def sent(raw: bytes | tuple[tuple[bytes, bytes], ...], token: Token, version: str) -> SentHead:
    return SentHead(
        *("https://a.example", b"POST", b"/to", version, raw, b"Authorization: Bearer x\r\n"),
        *(token, frozenset([b"x-api-key"]), OPENING, 0.5),
    )


def exchange() -> Exchange:
    found = Exchange("abc", 7, ip_address("::1"), RequestHead(b"POST", b"/p?q=1", "1.1", FIELDS))
    times = Times()
    times.waits, times.opening = (Wait("token", 0.1, 0.2),), OPENING
    told: dict[str, object] = {
        "host": b"a",
        "service": "billing",
        "principal": "me",
        "key": "k",
        "status": 404,
        "code": Code.CONNECT_FAILED,
        "detail": "why",
        "bytes_from_client": 1,
        "bytes_to_client": 2,
        "attempts": 2,
        "first_byte_s": 0.25,
        "sent_s": 0.125,
        "duration_s": 0.5,
        "aborted": "client",
        "grpc_status": 3,
        "times": times,
        "sent": (sent(LINES, TOKEN, "1.1"), sent(PAIRS, NO_TOKEN, "2")),
        "answer": (ANSWER, b"HTTP/1.1 404 Not Found\r\nServer: s\r\n"),
        "own_body": b"\x00\xff",
    }
    retell(found, told)
    return found


def told_of(exchange: Exchange) -> dict[str, Any]:
    message = shown_exchange(exchange, lambda token: 0 if token is NO_TOKEN else 5)
    found: dict[str, Any] = json.loads(json.dumps(message))
    return found


def test_all_of_it_comes_back() -> None:
    told = told_of(exchange())
    facts = read_facts(told, {0: NO_TOKEN, 5: TOKEN})
    head = read_head(told)
    answer: Any = facts["answer"]
    times: Any = facts["times"]

    assert "abc-7" == told["id"]
    assert ip_address("::1") == read_client(told)
    assert (b"POST", b"/p?q=1", "1.1", FIELDS) == (
        *(head.method, head.target, head.version),
        list(head.headers),
    )
    assert [getattr(exchange(), name) for name in PLAIN[:-2]] == [facts[n] for n in PLAIN[:-2]]
    assert (b"a", Code.CONNECT_FAILED, b"\x00\xff") == (
        *(facts["host"], facts["code"]),
        facts["own_body"],
    )
    assert exchange().sent == facts["sent"]
    assert (404, b"Not Found", ANSWER.headers) == (
        *(answer[0].status, answer[0].reason),
        list(answer[0].headers),
    )
    assert b"HTTP/1.1 404 Not Found\r\nServer: s\r\n" == answer[1]
    assert ((Wait("token", 0.1, 0.2),), OPENING) == (times.waits, times.opening)


def test_what_is_not_there_stays_away() -> None:
    told = told_of(Exchange("abc", 1, None, RequestHead(b"GET", b"/", "2", [])))
    facts = read_facts(told, {})

    assert read_client(told) is None
    assert [] == read_head(told).headers
    assert (None, None, None, ()) == (
        *(facts["times"], facts["answer"], facts["code"]),
        facts["sent"],
    )


def test_an_answer_of_our_own_has_no_head_that_came() -> None:
    given = exchange()
    retell(given, {"answer": (None, ANSWER)})
    answer: Any = read_facts(told_of(given), {0: NO_TOKEN, 5: TOKEN})["answer"]
    came, written = answer

    assert came is None
    assert (404, ANSWER.headers) == (written.status, list(written.headers))


def test_a_token_comes_back_with_its_value_and_its_end() -> None:
    told = json.loads(json.dumps(shown_token(TOKEN)))

    assert TOKEN == read_token(told)
    assert "the-token" not in repr(read_token(told))


def test_fields_of_http2_may_begin_with_a_colon() -> None:
    fields = [make_field(b":status", b"200"), make_field(b"grpc-status", b"0")]
    found = read_block(shown_fields(fields))

    assert fields == found
    assert b":status: 200\r\ngrpc-status: 0" == found.block
