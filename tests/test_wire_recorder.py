"""What is known of an exchange, and who hears of it."""

import ast
from pathlib import Path

import pytest

import authproxy
from authproxy.errors import AuthProxyError, Code
from authproxy.exchange import Exchange, RequestHead, SentHead
from authproxy.wire import refusals
from authproxy.wire.recorder import Recorder

HEAD = RequestHead(b"GET", b"/", "1.1", [])


class Ended:
    def __init__(self) -> None:
        self.told: list[tuple[str, Exchange]] = []

    def exchange_ended(self, exchange: Exchange) -> None:
        self.told.append(("ended", exchange))


class All(Ended):
    def exchange_begun(self, exchange: Exchange) -> None:
        self.told.append(("begun", exchange))

    def exchange_admitted(self, exchange: Exchange) -> None:
        self.told.append(("admitted", exchange))

    def exchange_answered(self, exchange: Exchange) -> None:
        self.told.append(("answered", exchange))


class Broken(All):
    def exchange_begun(self, exchange: Exchange) -> None:
        raise RuntimeError("a defect")

    exchange_admitted = exchange_answered = exchange_ended = exchange_begun


def whole(recorder: Recorder) -> Exchange:
    exchange = recorder.begin(None, HEAD)
    recorder.admitted(exchange, "billing", None, b"localhost", "mine")
    recorder.sent(exchange, "me@example.com")
    recorder.answered(exchange, 200)
    recorder.ended(exchange, 3, 5)
    return exchange


def test_an_observer_hears_what_it_asks_for() -> None:
    some, every = Ended(), All()
    exchange = whole(Recorder([some, every]))

    assert [("ended", exchange)] == some.told
    assert ["begun", "admitted", "answered", "ended"] == [what for what, _ in every.told]
    assert ("billing", "mine", "me@example.com", 200, 1) == (
        exchange.service,
        exchange.key,
        exchange.principal,
        exchange.status,
        exchange.attempts,
    )
    assert (3, 5) == (exchange.bytes_from_client, exchange.bytes_to_client)


class Counts(Ended):
    wants_times = True


def test_times_are_kept_for_who_wants_them_without_taking_heads_apart() -> None:
    recorder = Recorder([Counts()])
    exchange = whole(recorder)

    assert (recorder.sending, recorder.heads, recorder.trailers) == ((), (), ())
    assert 0 < exchange.sent_s <= exchange.first_byte_s
    assert exchange.times is None  # it did not wait
    assert 0.0 == whole(Recorder([Ended()])).sent_s


def test_waits_are_kept_for_who_wants_times() -> None:
    recorder = Recorder([Counts()])
    exchange = recorder.begin(None, HEAD)
    recorder.token_came(exchange)
    recorder.connected(exchange)
    recorder.sent(exchange, "me@example.com")

    assert exchange.times is not None
    assert 0 < exchange.times.token_s <= exchange.times.connected_s <= exchange.sent_s


def test_observer_that_fails_spoils_nothing(caplog: pytest.LogCaptureFixture) -> None:
    heard = All()
    exchanges = [whole(recorder) for recorder in [Recorder([Broken(), heard])] for _ in range(2)]

    assert 8 == len(heard.told)
    assert all(exchange.duration_s > 0 for exchange in exchanges)
    assert 2 == len({exchange.request_id for exchange in exchanges})
    assert "failed to record <Exchange " in caplog.text


@pytest.mark.parametrize(
    ("error", "who"),
    [
        (refusals.shutting_down(), "authproxy"),
        (refusals.service_gone("closed", ""), "service"),
        (refusals.body_too_large(5), "client"),
    ],
)
def test_the_record_says_who_ended_an_answer(error: AuthProxyError, who: str) -> None:
    recorder = Recorder([])
    exchange = recorder.begin(None, HEAD)
    recorder.broke_off(exchange, error)

    assert (error.code, who) == (exchange.code, exchange.aborted)


def test_who_left_first_stays_so() -> None:
    recorder = Recorder([])
    exchange = recorder.begin(None, HEAD, b"localhost")
    recorder.left(exchange, "authproxy")
    recorder.left(exchange, "client", "why")

    assert ("authproxy", "why", b"localhost") == (exchange.aborted, exchange.detail, exchange.host)
    recorder.malformed(exchange, "a fault")
    assert ("client", Code.BAD_REQUEST, "a fault") == (
        exchange.aborted,
        exchange.code,
        exchange.detail,
    )


def assigned(path: Path) -> list[str]:
    """The attributes of something named `exchange` that a module assigns to."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            owner = node.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if name.strip("_") == "exchange":
                found.append(f"{path.name}:{node.lineno}: {node.attr}")
    return found


def test_nobody_else_writes_into_the_record() -> None:
    package = Path(authproxy.__file__).parent
    found = {path: assigned(path) for path in package.rglob("*.py")}
    own = package / "wire" / "recorder.py"

    assert found.pop(own)
    assert [] == [line for lines in found.values() for line in lines]


class Picky:
    """Asks for the heads of some exchanges only."""

    def __init__(self) -> None:
        self.hears_sent_of: set[Exchange] | None = set()

    def exchange_sent(self, exchange: Exchange, sent: SentHead) -> None: ...

    def exchange_ended(self, exchange: Exchange) -> None: ...


def test_a_head_is_told_of_where_somebody_wants_that_exchange() -> None:
    picky, every = Picky(), Picky()
    assert picky.hears_sent_of is not None
    every.hears_sent_of = None
    recorder = Recorder([picky])
    one, other = (recorder.begin(None, RequestHead(b"GET", b"/", "1.1", [])) for _ in range(2))
    picky.hears_sent_of.add(one)

    assert [True, False] == [each in recorder.wanted for each in (one, other)]
    assert other in Recorder([picky, every]).wanted
    assert one in Recorder([picky, Picky()]).wanted
    assert other not in Recorder([picky, Picky()]).wanted
