"""A request until it is sent: its turn comes, it is admitted, there are a token and a connection.

And how long it may take from there on.
"""

from abc import abstractmethod

from authproxy.errors import AuthProxyError, Refused
from authproxy.exchange import RequestHead, Token
from authproxy.policy.messages.facts import RequestFacts, ResponseFacts
from authproxy.settings import TimeoutSettings
from authproxy.wire.admission.admission import Admission, NotAdmitted
from authproxy.wire.admission.admit import admit
from authproxy.wire.admission.token_wait import fetch_token
from authproxy.wire.lost_peers import LOST_AFTER_S, is_lost, not_acknowledged
from authproxy.wire.mcp import refusing
from authproxy.wire.relay import retry
from authproxy.wire.relay.interfaces import Client
from authproxy.wire.relay.replay_buffer import KeptBody
from authproxy.wire.relay.timeouts import find_overdue
from authproxy.wire.upstream.connection import ServiceConnection
from authproxy.wire.upstream.upstream import Upstream


class PendingRequest:
    """The first half of a relay, which gathers what the second needs to send the request."""

    # One is made for every request, so the defaults stand on the class and cost nothing.
    admission: Admission
    upstream: Upstream
    """Where it was admitted to."""
    token: Token
    service: ServiceConnection | None = None
    connect_tries = 0
    had_another_token = False
    _in_line = False
    """It waits for a connection."""
    cors = b""
    """The lines that let a page of an allowed origin read the answer."""
    received_all = False
    """The client's request has come in whole."""
    response: ResponseFacts | None = None
    """Set when the service's final head has come."""
    silent_s = 0.0
    age_s = 0.0
    kept: KeptBody | None = None
    """None while nothing has come of the request's body."""

    def __init__(
        self,
        client: Client,
        head: RequestHead,
        facts: RequestFacts,
        *,
        refusal: Refused | None = None,
    ) -> None:
        """`refusal`: why it goes nowhere, found before its turn."""
        self.client = client
        self.head = head
        self.facts = facts
        self.recorder = recorder = client.server.recorder
        self.exchange = recorder.begin(client.caller.address, head)
        self.keep_alive = facts.keep_alive and refusal is None
        """The client may send another request on this connection."""
        self.target = head.target
        """What the service is asked for, once it is known which."""
        self._refusal = refusal

    def start(self) -> None:
        """It is this request's turn."""
        if self._refusal is not None:
            self.refuse(self._refusal)
            return
        client, exchange = self.client, self.exchange
        try:
            found = admit(client.caller, self.head, self.facts, client.server.limits.body_bytes)
        except NotAdmitted as refused:
            self.cors = refused.cors
            self.recorder.not_admitted(exchange, refused.address, refused.host)
            self.refuse(refused.refusal)
            return
        self.admission, self.target, upstream = found, found.target, found.service
        self.upstream = upstream
        self.recorder.admitted(exchange, upstream.name, found.address, found.host, found.key)
        if found.cors:
            self.cors = found.cors
        self.send(found.tokens.current())

    def send_with_token(self) -> None:
        """Send the request, at once if a token is at hand."""
        self.send(self.admission.tokens.current())

    def send(self, token: Token | None) -> None:
        """Send it with `token`, once there is a connection; None: once there is a token, too."""
        if token is None:
            self.fetch_token()
            return
        self.token = token
        connection = self.upstream.pool.take()
        if connection is None:
            self.wait_in_line()
        else:
            self.use(connection)

    def wait_in_line(self) -> None:
        """Send it with the next connection that is free."""
        self.recorder.has_token(self.exchange, self.token.principal)
        self.recorder.waits(self.exchange, "connection")
        self._in_line = True
        self.upstream.pool.wait(self)

    def connected(self, connection: ServiceConnection) -> None:
        """The pool has a connection for us."""
        self._in_line = False
        self.recorder.connected(self.exchange)
        self.use(connection)
        self.flush()

    def not_connected(self, error: AuthProxyError) -> None:
        """The pool could not open one; nothing was sent."""
        self._in_line = False
        if not retry.try_to_connect(self, error):
            self.refuse(retry.with_guess(self, error))

    def leave_service(self) -> None:
        """Give up the connection to the service, or the place in the line for one."""
        service, self.service = self.service, None
        if service is not None:
            service.abandon()
        elif self._in_line:
            self._in_line = False
            self.upstream.pool.leave(self)

    def flush(self) -> None:
        """Let go what was written to the service."""
        if self.service is not None:
            self.service.flush()

    def fetch_token(self) -> None:
        """Send the request once there is a new token."""
        self.recorder.waits(self.exchange, "token")
        fetch_token(self.admission, self, self.client.server.tasks)

    def token_came(self, token: Token) -> None:
        if self.is_open:
            self.recorder.token_came(self.exchange)
            self.admission = self.client.caller.settled(self.admission)
            self.send(token)
            self.flush()

    def no_token(self, error: AuthProxyError) -> None:
        self.refuse(error)

    def tick(self, seconds: float, timeouts: TimeoutSettings) -> None:
        """Time passed; give up when nothing moved for too long."""
        self.silent_s, self.age_s = self.silent_s + seconds, self.age_s + seconds
        if self.exchange.service:  # else it is not known yet which service it is for
            timeouts = self.upstream.timeouts or timeouts
        error: AuthProxyError | None = find_overdue(
            timeouts,
            age_s=self.age_s,
            silent_s=self.silent_s,
            waits_for_answer=self.received_all and self.response is None,
        )
        kept = self.kept
        if kept is not None and kept.unsaid is not None:
            kept.waited_s += seconds
            error = kept.unsaid if kept.waited_s > refusing.WAIT_S else error
        if error is not None:
            self.give_up(error)
        elif self.silent_s > LOST_AFTER_S and self.service and is_lost(self.service.transport):
            service = self.service
            self.leave_service()
            if not retry.goes_again(self, service):
                self.give_up(not_acknowledged())

    @property
    def unsaid(self) -> AuthProxyError | None:
        """What is said instead of an answer once the request has come in."""
        return None if self.kept is None else self.kept.unsaid

    @property
    def is_replayable(self) -> bool:
        """We still have all that the client has sent. What is yet to come follows it."""
        return self.kept is None or self.kept.is_whole

    # What the second half does.

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """It has not ended."""

    @abstractmethod
    def use(self, connection: ServiceConnection) -> None:
        """Send it by this connection, with `token`."""

    @abstractmethod
    def refuse(self, error: AuthProxyError) -> None:
        """Answer by ourselves; nothing of the service's answer has been sent."""

    @abstractmethod
    def give_up(self, error: AuthProxyError) -> None:
        """There will be no answer of the service's, or no more of it."""
