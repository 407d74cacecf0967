"""Keeps the record of each exchange, for HTTP/1, HTTP/2 and tunnels alike, and tells observers.

Nobody else assigns to an `Exchange`: what is known of one stands here, as sentences.
"""

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Literal

from authproxy.errors import AuthProxyError, Code, UpstreamError
from authproxy.exchange import Exchange, Observer, RequestHead
from authproxy.policy.access.networks import Address

logger = logging.getLogger(__name__)

Hook = Callable[[Exchange], object]
Who = Literal["client", "service", "authproxy"]


class Recorder:
    """For one server. What no observer asks for costs nothing but a look."""

    __slots__ = ("_admitted", "_answered", "_ended", "_on_begun", "_run", "begun")

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._run = secrets.token_hex(3)
        self.begun = 0
        """How many exchanges have begun."""
        self._on_begun = _hooks(observers, "exchange_begun")
        self._admitted = _hooks(observers, "exchange_admitted")
        self._answered = _hooks(observers, "exchange_answered")
        self._ended = _hooks(observers, "exchange_ended")

    def begin(self, client: Address | None, head: RequestHead, host: bytes = b"") -> Exchange:
        """A request was read; `client` is who seems to ask."""
        self.begun += 1
        exchange = Exchange(self._run, self.begun, client, head)
        if host:
            exchange.host = host
        if self._on_begun:
            _tell(self._on_begun, exchange)
        return exchange

    def admitted(
        self, exchange: Exchange, service: str, client: Address | None, host: bytes, key: str
    ) -> None:
        """It goes to `service`; `client` is who asks, `key` the name of what they have shown."""
        exchange.service, exchange.client, exchange.host = service, client, host
        if key:
            exchange.key = key
        if self._admitted:
            _tell(self._admitted, exchange)

    def not_admitted(self, exchange: Exchange, client: Address | None, host: bytes) -> None:
        """It goes nowhere; it will be refused."""
        exchange.client, exchange.host = client, host

    def has_token(self, exchange: Exchange, principal: str) -> None:
        """It will be sent as `principal`, when there is a connection."""
        exchange.principal = principal

    def sent(self, exchange: Exchange, principal: str) -> None:
        """It is on its way to the service, as `principal`, perhaps once more."""
        exchange.principal = principal
        exchange.attempts += 1

    def answered(self, exchange: Exchange, status: int) -> None:
        """The service's final head goes to the client."""
        exchange.status = status
        exchange.first_byte_s = time.monotonic() - exchange.started
        if self._answered:
            _tell(self._answered, exchange)

    def switched(self, exchange: Exchange, status: int) -> None:
        """A tunnel is what follows."""
        exchange.status = status

    def refused(self, exchange: Exchange, error: AuthProxyError) -> None:
        """The client gets an answer of our own, and none of the service's."""
        exchange.code, exchange.detail, exchange.status = error.code, error.detail, error.status

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
            _tell(self._ended, exchange)

    def __repr__(self) -> str:
        return f"<Recorder {self._run} [{len(self._ended)} observers]>"


def _who_left(error: AuthProxyError) -> Who:
    """Whose doing it is that an answer ends there."""
    if error.code is Code.SHUTTING_DOWN:
        return "authproxy"
    return "service" if isinstance(error, UpstreamError) else "client"


def _hooks(observers: Sequence[Observer], name: str) -> tuple[Hook, ...]:
    """The methods of this name, of the observers that have one."""
    found = (getattr(observer, name, None) for observer in observers)
    return tuple(hook for hook in found if hook is not None)


def _tell(hooks: tuple[Hook, ...], exchange: Exchange) -> None:
    """An observer that fails does not touch the exchange."""
    for hook in hooks:
        try:
            hook(exchange)
        except Exception:
            logger.exception("%r failed to record %r", hook, exchange)
