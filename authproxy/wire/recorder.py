"""Keeps the record of each exchange, for HTTP/1, HTTP/2 and tunnels alike, and tells observers.

Nobody else assigns to an `Exchange`: what is known of one stands here, as sentences.
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Literal

from authproxy.errors import AuthProxyError, Code, UpstreamError
from authproxy.exchange import (
    Exchange,
    Field,
    Observer,
    RequestHead,
    ResponseHead,
    SentHead,
)
from authproxy.policy.access.networks import Address
from authproxy.policy.messages.rpc import STATUS, read_status
from authproxy.times import Times, WaitsFor
from authproxy.wire.observing import Observers, read_written

Who = Literal["client", "service", "authproxy"]


class Recorder:
    """For one server. What no observer asks for costs nothing but a look.

    Where there is something to make before it can be told, the caller looks first whether anybody
    asks for it: the tuples without an underscore are empty when nobody does.
    """

    __slots__ = (
        "_admitted",
        "_again",
        "_answered",
        "_begun",
        "_ended",
        "_heads",
        "_hears_sent",
        "_keeps_times",
        "_keeps_waits",
        "_observers",
        "_run",
        "_sending",
        "_tunnel",
        "answer_pieces",
        "begun",
        "fields",
        "heads",
        "keeps_heads",
        "request_pieces",
        "sending",
        "trailers",
        "wanted",
    )

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._run = secrets.token_hex(3)
        self.begun = 0
        """How many exchanges have begun."""
        self._observers = told = Observers(observers)
        self._begun = told.find("exchange_begun")
        self._admitted = told.find("exchange_admitted")
        self._sending = told.find("exchange_sent")
        self._hears_sent = told.find_wanted(every=told.want_details)
        self._again = told.find("exchange_again")
        self.keeps_heads = told.want_heads
        """Of every exchange: `Exchange.sent` and `Exchange.answer`."""
        self.wanted = told.find_wanted(every=told.want_details or told.want_heads)
        self.fields = told.find("fields_to_send")
        """Asked for fields of their own: `own_fields`."""
        self._answered = told.find("exchange_answered")
        self._heads = told.find("answer_head")
        self.request_pieces = told.find("request_piece")
        self.answer_pieces = told.find("answer_piece")
        self.trailers = told.find("answer_trailers")
        self._tunnel = told.find("tunnel_opened")
        self._ended = told.find("exchange_ended")
        self._keeps_times, self._keeps_waits = told.want_times, told.want_waits
        if told.want_details:
            self._begun = (self._keep_times, *self._begun)
            self._sending = (self._note_sent, *self._sending)
            self._heads = (self._note_head, *self._heads)
        self.sending = bool(self._sending or self.keeps_heads)
        """Asked for heads that go to services: `head_sent`, of exchanges that are `wanted`."""
        self.heads = bool(self._heads or self.keeps_heads)
        """Asked for heads that go to clients: `answer_head`, `own_answer`."""

    @property
    def is_asked(self) -> bool:
        """For more than how an exchange stands: for heads or content, or fields of their own."""
        pieces = self.request_pieces or self.answer_pieces
        return bool(self.sending or self.fields or self.heads or self.trailers or pieces)

    # What exchanges tell.

    def begin(self, client: Address | None, head: RequestHead, host: bytes = b"") -> Exchange:
        """A request was read; `client` is who seems to ask."""
        self.begun += 1
        exchange = Exchange(self._run, self.begun, client, head)
        if host:
            exchange.host = host
        for hook in self._begun:  # as in `ended`
            try:
                hook(exchange)
            except Exception as error:  # noqa: BLE001 -- whatever it is, it is logged
                self._observers.note(hook, exchange, error)
        return exchange

    def admitted(
        self, exchange: Exchange, service: str, client: Address | None, host: bytes, key: str
    ) -> None:
        """It goes to `service`; `client` is who asks, `key` the name of what they have shown."""
        exchange.service, exchange.client, exchange.host = service, client, host
        if key:
            exchange.key = key
        if self._admitted:
            self._observers.tell(self._admitted, exchange)

    def not_admitted(self, exchange: Exchange, client: Address | None, host: bytes) -> None:
        """It goes nowhere; it will be refused."""
        exchange.client, exchange.host = client, host

    def has_token(self, exchange: Exchange, principal: str) -> None:
        """It will be sent as `principal`, when there is a connection."""
        exchange.principal = principal

    def waits(self, exchange: Exchange, what: WaitsFor) -> None:
        """It cannot be sent yet: this is not at hand."""
        if self._keeps_waits:
            times = exchange.times = exchange.times or Times()
            times.begin(what, time.monotonic() - exchange.started)

    def token_came(self, exchange: Exchange) -> None:
        """It waited for one."""
        if exchange.times is not None:
            exchange.times.end("token", time.monotonic() - exchange.started)

    def connected(self, exchange: Exchange) -> None:
        """It waited for a connection; in HTTP/2 from its begin, and if it was `sent`, it is now."""
        if self._keeps_waits:
            times = exchange.times = exchange.times or Times()
            now_s = time.monotonic() - exchange.started
            times.end("connection", now_s)
            if self._keeps_times and exchange.attempts:
                exchange.sent_s = now_s

    def sent(self, exchange: Exchange, principal: str) -> None:
        """It is on its way to the service, as `principal`, perhaps once more."""
        exchange.principal = principal
        exchange.attempts += 1
        if self._keeps_times:
            exchange.sent_s = time.monotonic() - exchange.started

    def head_sent(self, exchange: Exchange, sent: SentHead) -> None:
        """What goes to the service, for those who ask. After `sent`."""
        if self.keeps_heads:
            exchange.sent += (sent,)
        if self._sending and exchange in self._hears_sent:
            self._observers.tell(self._sending, exchange, sent)

    def own_fields(self, exchange: Exchange) -> list[tuple[bytes, bytes]]:
        """Names and values that observers put on the head that is sent next."""
        return self._observers.gather(self.fields, exchange)

    def own_lines(self, exchange: Exchange) -> bytes:
        """The same as lines of HTTP/1."""
        lines = b""
        for hook in self.fields:  # as `gather`, in place
            try:
                own = hook(exchange)
                lines += own if type(own) is bytes else self._observers.checked_lines(own)
            except Exception as error:  # noqa: BLE001 -- whatever it is, it is logged
                self._observers.note(hook, exchange, error)
        return lines

    def again(self, exchange: Exchange, why: int | Code) -> None:
        """What was sent did not do, and it will be sent once more: for this status that was
        answered, or for what happened to the connection."""
        if self._again:
            self._observers.tell(self._again, exchange, why)

    def request_piece(self, exchange: Exchange, data: bytes) -> None:
        """Content of the client's has come."""
        self._observers.tell(self.request_pieces, exchange, data)

    def answered(self, exchange: Exchange, status: int) -> None:
        """The service's final head goes to the client, or its 101: a tunnel is what follows."""
        exchange.status = status
        exchange.first_byte_s = time.monotonic() - exchange.started
        if self._answered:
            self._observers.tell(self._answered, exchange)

    def answer_head(
        self, exchange: Exchange, came: ResponseHead, sent: bytes | ResponseHead
    ) -> None:
        """The head that was `answered`, for those who ask."""
        if self.keeps_heads:
            exchange.answer = came, sent
        if self._heads:
            self._observers.tell(self._heads, exchange, came, read_written(sent))

    def tunnel_opened(self, exchange: Exchange) -> None:
        """What follows is a tunnel's, which may last for days; heads have secrets in them."""
        if self._tunnel:
            self._observers.tell(self._tunnel, exchange)
        if self.keeps_heads:
            exchange.sent, exchange.answer = (), None

    def rpc_status(self, exchange: Exchange, status: int | None) -> None:
        """The answer, or its trailers, say how a call of gRPC ended."""
        exchange.grpc_status = status

    def answer_piece(self, exchange: Exchange, data: bytes) -> None:
        """Content goes to the client."""
        self._observers.tell(self.answer_pieces, exchange, data)

    def answer_trailers(self, exchange: Exchange, fields: Sequence[Field]) -> None:
        """The service's have come."""
        self._observers.tell(self.trailers, exchange, fields)

    def refused(self, exchange: Exchange, error: AuthProxyError) -> None:
        """The client gets an answer of our own, and none of the service's."""
        exchange.code, exchange.detail, exchange.status = error.code, error.detail, error.status
        if self._answered:
            self._observers.tell(self._answered, exchange)

    def own_answer(self, exchange: Exchange, head: ResponseHead | None, body: bytes) -> None:
        """What the client gets after `refused`, for those who ask for heads or pieces.

        No `head` for who speaks TLS to a plain port.
        """
        if self.keeps_heads and head is not None:
            exchange.answer, exchange.own_body = (None, head), body
        if self._heads and head is not None:
            self._observers.tell(self._heads, exchange, None, head)
        if self.answer_pieces and body:
            self._observers.tell(self.answer_pieces, exchange, body)

    def broke_off(self, exchange: Exchange, error: AuthProxyError) -> None:
        """The answer had begun and will not be whole."""
        exchange.code, exchange.detail = error.code, error.detail or error.message
        exchange.aborted = _who_left(error)

    def malformed(self, exchange: Exchange, fault: str) -> None:
        """It is the client's doing that it ends here."""
        exchange.aborted = "client"
        exchange.code, exchange.detail = Code.BAD_REQUEST, fault

    def left(self, exchange: Exchange, who: Who, detail: str = "") -> None:
        """Before the end; who has left first stays so."""
        exchange.aborted = exchange.aborted or who
        if detail:
            exchange.detail = detail

    def ended(self, exchange: Exchange, from_client: int, to_client: int) -> None:
        """Nothing more will happen. To be told once; the two are bytes of content."""
        exchange.bytes_from_client, exchange.bytes_to_client = from_client, to_client
        if self._ended:
            exchange.duration_s = time.monotonic() - exchange.started
            for hook in self._ended:  # as `tell` does: what every observer hears is told in place
                try:
                    hook(exchange)
                except Exception as error:  # noqa: BLE001 -- whatever it is, it is logged
                    self._observers.note(hook, exchange, error)

    # Details, for those who want them.

    def _keep_times(self, exchange: Exchange) -> None:
        exchange.times = Times()

    def _note_sent(self, exchange: Exchange, sent: SentHead) -> None:
        if exchange.times is not None:
            exchange.times.opening = sent.opening

    def _note_head(
        self, exchange: Exchange, came: ResponseHead | None, _sent: ResponseHead
    ) -> None:
        if came is not None:
            self._note_trailers(exchange, came.headers)

    def _note_trailers(self, exchange: Exchange, fields: Sequence[Field]) -> None:
        """An answer of gRPC without content has its status in its head."""
        for name, value, _ in fields:
            if name == STATUS:
                self.rpc_status(exchange, read_status(value))

    def __repr__(self) -> str:
        return f"<Recorder {self._run} [{self._observers}]>"


def retell(exchange: Exchange, told: Mapping[str, object]) -> None:
    """What another process has told of it: attributes by name."""
    for name, value in told.items():
        setattr(exchange, name, value)


def _who_left(error: AuthProxyError) -> Who:
    """Whose doing it is that an answer ends there."""
    if error.code is Code.SHUTTING_DOWN:
        return "authproxy"
    return "service" if isinstance(error, UpstreamError) else "client"
