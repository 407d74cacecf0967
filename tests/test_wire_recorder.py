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

    assert (recorder.sending, recorder.heads, recorder.trailers) == (False, False, ())
    assert 0 < exchange.sent_s <= exchange.first_byte_s
    assert exchange.times is None  # it did not wait
    assert 0.0 == whole(Recorder([Ended()])).sent_s


def test_waits_are_kept_for_who_wants_times() -> None:
    recorder = Recorder([Counts()])
    exchange = recorder.begin(None, HEAD)
    recorder.waits(exchange, "token")
    recorder.token_came(exchange)
    recorder.waits(exchange, "connection")
    recorder.connected(exchange)
    recorder.sent(exchange, "me@example.com")

    assert exchange.times is not None
    token, connection = exchange.times.waits
    assert ("token", "connection") == (token.what, connection.what)
    assert 0 < token.began_s <= token.ended_s <= connection.began_s <= connection.ended_s
    assert connection.ended_s <= exchange.sent_s


def test_no_waits_are_kept_where_nobody_asks() -> None:
    recorder = Recorder([Ended()])
    exchange = recorder.begin(None, HEAD)
    recorder.waits(exchange, "token")
    recorder.token_came(exchange)
    recorder.connected(exchange)

    assert exchange.times is None


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


ONLY_OF_EXCHANGES = {
    *("aborted", "attempts", "bytes_from_client", "bytes_to_client", "first_byte_s", "sent_s"),
    "duration_s",
}
"""Fields that no other object of the package has, but for one that keeps count by itself."""


def assigned(source: str) -> list[str]:
    """Assignments to an Exchange: to an attribute of what is called or annotated as one, through
    whatever chain and by `setattr`; and to a field that only an Exchange has, but for `self`'s."""
    tree = ast.parse(source)
    names = exchanges_of(tree)
    found = []
    for node in ast.walk(tree):
        owner, field = _written(node)
        if owner is None:
            continue
        is_field = field in ONLY_OF_EXCHANGES and ast.unparse(owner) != "self"
        if _last(owner) in names or is_field:
            found.append(f"{node.lineno}: {ast.unparse(owner)}.{field}")  # type: ignore[attr-defined]  # -- both kinds have it
    return found


def _written(node: ast.AST) -> tuple[ast.expr | None, str]:
    """The object and the attribute that `node` writes to, or deletes."""
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
        return node.value, node.attr
    if isinstance(node, ast.Call) and node.args:
        name = (
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        )
        if name in ("setattr", "delattr", "__setattr__", "__delattr__"):
            field = node.args[1] if len(node.args) > 1 else None
            return node.args[0], str(field.value) if isinstance(field, ast.Constant) else "*"
    return None, ""


def exchanges_of(tree: ast.Module) -> set[str]:
    """Names that stand for an Exchange: `exchange`, what is annotated as one, and what is assigned
    from one of those."""
    names = {"exchange"}
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and _is_exchange(node.annotation):
            names.add(node.arg.strip("_"))
        elif isinstance(node, ast.AnnAssign) and _is_exchange(node.annotation):
            names.add(_last(node.target))
    for node in ast.walk(tree):
        names |= {_last(target) for target, value in _pairs(node) if _last(value) in names}
    return names - {""}


def _pairs(node: ast.AST) -> list[tuple[ast.expr, ast.expr]]:
    """What is assigned to what."""
    if isinstance(node, ast.NamedExpr):
        return [(node.target, node.value)]
    if not isinstance(node, ast.Assign):
        return []
    value = node.value
    return [
        pair
        for target in node.targets
        for pair in (
            zip(target.elts, value.elts, strict=False)
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
            else [(target, value)]
        )
    ]


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr.strip("_")
    return node.id.strip("_") if isinstance(node, ast.Name) else ""


def _is_exchange(annotation: ast.expr | None) -> bool:
    return (
        annotation is not None
        and ast.unparse(annotation).strip("\"'").split(" | ")[0] == "Exchange"
    )


@pytest.mark.parametrize(
    "line",
    [
        "exchange.status = 1",
        "self._exchange.status = 1",
        "relay.stream.exchange.status += 1",
        "del exchange.status",
        "setattr(exchange, 'status', 1)",
        "object.__setattr__(self.exchange, name, 1)",
        "found = relay.exchange\n    found.status = 1",
        "one, two = 1, relay.exchange\n    two.status = 1",
        "(found := relay.exchange).status\n    found.status = 1",
        "given.status = 1",
        "anything.attempts += 1",
        "exchange.status, other = 1, 2",
    ],
)
def test_whoever_writes_into_the_record_is_found(line: str) -> None:
    assert assigned(f"def f(given: Exchange) -> None:\n    {line}\n")


@pytest.mark.parametrize(
    "line",
    ["self.exchange = given", "self.attempts = 1", "given = None", "x.status = given.status"],
)
def test_what_does_not_write_into_the_record_is_not(line: str) -> None:
    assert [] == assigned(f"def f(given: Exchange) -> None:\n    {line}\n")


def test_nobody_else_writes_into_the_record() -> None:
    package = Path(authproxy.__file__).parent
    found = {path: assigned(path.read_text()) for path in package.rglob("*.py")}
    own = package / "wire" / "recorder.py"

    assert found.pop(own)
    assert {} == {str(path): lines for path, lines in found.items() if lines}


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
