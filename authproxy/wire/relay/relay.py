"""One exchange in flight: what the client sends goes to the service, its answer comes back.

The way of a request is `start` and `send` (in `pending`), `use`, `from_client`, `client_done`; that
of its answer `service_head`, `from_service`, `service_done`. Both sides call in as bytes come;
nothing here waits. Only a token that must be fetched takes a task, and the pool calls back when it
has opened a connection.
"""

from collections.abc import Sequence

from authproxy.errors import AuthProxyError, UpstreamError
from authproxy.exchange import Field, ResponseHead
from authproxy.policy.google.rejection import LOWEST_STATUS
from authproxy.policy.messages.facts import ResponseFacts
from authproxy.policy.messages.headers import (
    request_end,
    request_head,
)
from authproxy.wire import refusals
from authproxy.wire.interim import InterimCount
from authproxy.wire.mcp import refusing
from authproxy.wire.read_holds import EARLY
from authproxy.wire.relay import retry
from authproxy.wire.relay.answer_heads import add_interim, begin_answer, reply
from authproxy.wire.relay.interfaces import AnswerBody
from authproxy.wire.relay.pending import PendingRequest
from authproxy.wire.relay.replay_buffer import KeptBody
from authproxy.wire.relay.telling import tell_sent
from authproxy.wire.relay.tunnel import switch
from authproxy.wire.transport import add_body
from authproxy.wire.upstream.connection import ServiceConnection


class Relay(PendingRequest):
    """Between one client connection and, for as long as it lasts, one connection to the service."""

    # One is made for every request, so the defaults stand on the class and cost nothing.
    received_bytes = 0
    answer_bytes = 0
    """Both of content: the client's, and to the client."""
    _trailers: Sequence[Field] = ()
    _interim: InterimCount | None = None
    _body: AnswerBody | None = None
    """What writes the answer's body, unless that passes as it comes."""
    _answering = False
    _answered = False
    """The client has been sent a final head; everything, by the service or by us."""
    _over = False

    def use(self, connection: ServiceConnection) -> None:
        self.service, upstream = connection, self.upstream
        self.recorder.sent(self.exchange, self.token.principal)
        head, facts, client = self.head, self.facts, self.client
        fields = client.caller.sent_fields.write(head, facts, self.admission, upstream.rules)
        token_line = upstream.token_line(self.token, facts)
        if connection.is_here and facts.forwarded_proto:
            fields += client.caller.general_checks.mark(facts, head.headers)
        if self.recorder.fields:
            fields += self.recorder.own_lines(self.exchange)
        if self.recorder.sending and self.exchange in self.recorder.wanted:
            tell_sent(self, connection, fields, token_line)
        connection.out.append(request_head(head.method, self.target, fields, token_line))
        connection.begin(self, head.method, hold=client.is_congested)
        if self.kept is not None:
            self.kept.send(connection.out, chunked=facts.chunked)
            client.holds.set(EARLY, False)
        if self.received_all and facts.chunked:
            connection.out.append(self._request_end())

    def _request_end(self) -> bytes:
        return request_end(self._trailers, self.upstream.rules, self.admission.home)

    # What the client's side tells.

    def from_client(self, data: bytes) -> None:
        """A piece of the request's body."""
        self.silent_s = 0.0
        self.received_bytes += len(data)
        if self.recorder.request_pieces and not self._over:
            self.recorder.request_piece(self.exchange, data)
        limit = self.client.server.limits.body_bytes
        if limit and self.received_bytes > limit and not self._answered:
            self.give_up(refusals.body_too_large(limit))
            return
        service = self.service
        if service is not None:
            add_body(service.out, data, chunked=self.facts.chunked)
        elif self._answered:
            return
        else:
            self.client.holds.set(EARLY, self.unsaid is None)
        kept = self.kept = self.kept or KeptBody()
        kept.add(data, is_sent=service is not None or self.unsaid is not None)
        if kept.unsaid is not None and not kept.is_whole:
            self.refuse(kept.unsaid)

    def client_done(self, trailers: list[Field]) -> None:
        """The request has come in whole."""
        self.received_all = True
        self._trailers = trailers
        if self.service is not None and self.facts.chunked:
            self.service.out.append(self._request_end())
        if self._answered:
            self.flush()
            self._end()
        elif self.unsaid is not None:
            self.refuse(self.unsaid)

    def client_broke(self, reason: str) -> None:
        """The request's body is not valid; the service must not take what it has got for whole."""
        refusal = refusals.bad_body(reason)
        if self.client.is_turn_of(self):
            self.give_up(refusal)
        else:
            self._refusal = refusal

    def client_gone(self) -> None:
        """The client left: cut the exchange with the service, whatever stage it is at."""
        if not self._over:
            self.recorder.left(self.exchange, "client")
            self.leave_service()
            self._end()

    def client_congested(self, congested: bool) -> None:
        """The client reads slower than the service sends."""
        if self.service is not None:
            self.service.hold(congested)

    @property
    def is_open(self) -> bool:
        return not self._over and self.unsaid is None

    # What the service's side tells.

    def service_head(self, head: ResponseHead, facts: ResponseFacts, begun: bytes) -> bool:
        """The final head, and what came behind it; False when there will be another instead."""
        if head.status >= LOWEST_STATUS and retry.find_another(self, head, begun):
            return False
        self._answer(head, facts)
        if head.status >= LOWEST_STATUS:
            retry.add_hint(self, head, begun)
        if self.recorder.heads:
            self.recorder.answer_head(self.exchange, head, self.client.out[-1])
        return True

    def service_interim(self, head: ResponseHead, facts: ResponseFacts, size: int) -> None:
        """A head that another one follows. Raises UpstreamError if there are too many."""
        self._interim = self._interim or InterimCount()
        self._interim.add(self.exchange.request_id, size)
        self.silent_s = 0.0
        add_interim(self, head, facts)

    def service_switches(self, head: ResponseHead, facts: ResponseFacts, rest: bytes) -> None:
        """101: from here on, bytes. Raises UpstreamError if nobody asked for that protocol."""
        service, self.service = self.service, None
        assert service is not None  # noqa: S101 -- for the type checker: it speaks
        switch(self, service, head, facts, rest)
        self._over = True

    def _answer(self, head: ResponseHead, facts: ResponseFacts) -> None:
        self.silent_s = 0.0
        self.recorder.answered(self.exchange, head.status)
        self.response, self._answering = facts, True
        is_usual = self.keep_alive and not self.cors and self.head.version == "1.1"
        written, service = b"", self.service
        if is_usual and service is not None and not self.client.server.draining:
            written = service.write_plain(head, facts)
        if written:
            self.client.out.append(written)
        else:
            self._body = begin_answer(self, head, facts)
        self.kept = None

    def from_service(self, data: bytes) -> None:
        """A piece of the answer's body."""
        self.silent_s = 0.0
        self.answer_bytes += len(data)
        if self.recorder.answer_pieces and not self._over:
            self.recorder.answer_piece(self.exchange, data)
        if self._body is None:
            self.client.out.append(data)
        else:
            self._body.add(data)

    def service_done(self, trailers: list[Field]) -> None:
        """The answer has come in whole. The request may still be on its way (an early answer)."""
        if self._body is not None:
            self._body.finish(trailers)
        if trailers and self.recorder.trailers and not self._over:
            self.recorder.answer_trailers(self.exchange, trailers)
        self._answered = True
        if self.received_all:
            self._end()
        elif self.service is not None and not self.service.is_usable:
            self.leave_service()
            self._linger()

    def service_gone(self, reason: str) -> None:
        """The connection to the service ended under the exchange."""
        service, self.service = self.service, None
        if not retry.goes_again(self, service):
            more = retry.guess(self) if service is not None and service.was_silent else ""
            self._fail(refusals.service_gone(reason, more))

    def service_broke(self, error: UpstreamError) -> None:
        """The service sent what is no answer; its connection is cut already."""
        self.service = None
        self._fail(error)

    def give_up(self, error: AuthProxyError) -> None:
        """There will be no answer of the service's, or no more of it."""
        self.leave_service()
        self._fail(error)

    def drain(self) -> None:
        """This exchange is the last; a stream of events ends as soon as one of them does."""
        self.keep_alive = False
        if self._body is not None:
            self._body.drain()

    # The end.

    def refuse(self, error: AuthProxyError) -> None:
        """Answer by ourselves; nothing of the service's answer has been sent."""
        if self._over:
            return
        if refusing.waits(self, error):
            self.kept = self.kept or KeptBody()
            self.kept.unsaid = error
            return
        error = self.unsaid or error
        self.recorder.refused(self.exchange, error)
        self._answered = self._answering = True
        # Behind a request that the reader refused anything may follow.
        complete = self.received_all or not (self.facts.has_body or self._refusal)
        if error.status == 400 or not complete:
            self.keep_alive = False
        self.answer_bytes = reply(self, error)
        self.kept = None
        if self.received_all:
            self._end()
        elif not complete:
            self._linger()

    def _fail(self, error: AuthProxyError) -> None:
        """Say so if the answer has not begun; else cut the client off, so that it knows."""
        if self._over:
            return
        if not self._answering:
            self.refuse(error)
        elif self._answered:
            self._linger()
        else:
            self._break_off(error)

    def _break_off(self, error: AuthProxyError) -> None:
        exchange, body = self.exchange, self._body
        self.recorder.broke_off(exchange, error)
        if body is not None and body.break_off(exchange, error, is_empty=not self.answer_bytes):
            self.keep_alive = False
            self._end() if self.received_all else self._linger()
        else:
            self._over = True
            self.client.abort(self)

    def _linger(self) -> None:
        """Answered, but the client still sends: let it read the answer, then close."""
        self._over, self.keep_alive = True, False
        self.client.linger(self)

    def _end(self) -> None:
        if self._over:
            return
        self._over = True
        service, self.service = self.service, None
        if service is not None:
            service.end()
        self.client.ended(self)

    def __repr__(self) -> str:
        return f"<Relay {self.exchange.request_id} [{'over' if self._over else 'open'}]>"
