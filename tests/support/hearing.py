"""An observer that asks for everything, and holds what it hears to what observers are promised."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from authproxy.errors import Code
from authproxy.exchange import Exchange, Field, ResponseHead, SentHead
from authproxy.policy.mcp.forms import find_form
from authproxy.policy.messages.rpc import find_rpc

ORDER = {
    "begun": {"admitted", "request_piece", "answered", "ended"},
    "admitted": {"sent", "request_piece", "answered", "ended"},
    "sent": {"again", "request_piece", "answered", "ended"},
    "again": {"sent", "request_piece", "answered", "ended"},
    "request_piece": {
        *("admitted", "sent", "again", "request_piece", "answered", "answer_piece"),
        *("answer_trailers", "ended"),
    },
    "answered": {"answer_head", "ended"},
    "answer_head": {"request_piece", "answer_piece", "answer_trailers", "ended"},
    "answer_piece": {"request_piece", "answer_piece", "answer_trailers", "ended"},
    "answer_trailers": {"request_piece", "ended"},
    "ended": set(),
}
"""What may come next."""


@dataclass
class Story:
    """What was heard of one exchange."""

    exchange: Exchange
    events: list[str] = field(default_factory=list)
    sent: list[SentHead] = field(default_factory=list)
    heads: list[tuple[ResponseHead | None, ResponseHead]] = field(default_factory=list)
    request: bytes = b""
    answer: bytes = b""
    trailers: list[Field] = field(default_factory=list)

    @property
    def plot(self) -> list[str]:
        """The events, with what repeats itself said once."""
        return [
            event
            for event, before in zip(self.events, ["", *self.events], strict=False)
            if event != before
        ]

    def add(self, event: str) -> None:
        before = self.events[-1] if self.events else ""
        assert event in ORDER[before] if before else event == "begun", f"{event} after {before}"
        self.events.append(event)


class Everything:
    """Hears all that there is."""

    wants_details = True

    def __init__(self) -> None:
        self.stories: dict[Exchange, Story] = {}
        self.faults: list[str] = []

    @property
    def told(self) -> list[Story]:
        """In the order in which they began."""
        return list(self.stories.values())

    def exchange_begun(self, exchange: Exchange) -> None:
        self.stories[exchange] = Story(exchange)
        self._add(exchange, "begun")

    def exchange_admitted(self, exchange: Exchange) -> None:
        self._check(exchange.service != "", "admitted to no service")
        self._add(exchange, "admitted")

    def exchange_sent(self, exchange: Exchange, sent: SentHead) -> None:
        self._add(exchange, "sent").sent.append(sent)

    def exchange_again(self, exchange: Exchange, why: int | Code) -> None:
        self._check(self.stories[exchange].sent != [], f"{why} before it was sent")
        self._add(exchange, "again")

    def request_piece(self, exchange: Exchange, data: bytes) -> None:
        self._check(type(data) is bytes and data != b"", f"a piece that is {data!r}")
        self._add(exchange, "request_piece").request += data

    def exchange_answered(self, exchange: Exchange) -> None:
        self._check(exchange.status > 100, "answered without a status")
        self._add(exchange, "answered")

    def answer_head(
        self, exchange: Exchange, came: ResponseHead | None, sent: ResponseHead
    ) -> None:
        # Calls are told in their protocol.
        is_call = find_rpc(exchange.head) is not None or find_form(exchange.head) is not None
        if came is not None or not is_call:
            self._check(sent.status == exchange.status, f"{sent.status} sent: {exchange}")
        self._add(exchange, "answer_head").heads.append((came, sent))

    def answer_piece(self, exchange: Exchange, data: bytes) -> None:
        self._check(type(data) is bytes and data != b"", f"a piece that is {data!r}")
        self._add(exchange, "answer_piece").answer += data

    def answer_trailers(self, exchange: Exchange, fields: Sequence[Field]) -> None:
        self._add(exchange, "answer_trailers").trailers += fields

    def exchange_ended(self, exchange: Exchange) -> None:
        story = self._add(exchange, "ended")
        for what, piece, counted in [
            ("request", story.request, exchange.bytes_from_client),
            ("answer", story.answer, exchange.bytes_to_client),
        ]:
            was_cut = exchange.aborted != "" or exchange.code is not None
            is_within = exchange.protocol == "HTTP/2" and was_cut
            holds = len(piece) <= counted if is_within else len(piece) == counted
            self._check(holds, f"{what}: {len(piece)} told, {counted} counted: {exchange}")

    def _add(self, exchange: Exchange, event: str) -> Story:
        story = self.stories[exchange]
        try:
            story.add(event)
        except AssertionError as error:
            self.faults.append(f"{exchange}: {error}")
        return story

    def _check(self, holds: bool, fault: str) -> None:
        if not holds:
            self.faults.append(fault)
