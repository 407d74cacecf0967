"""One call: an exchange, and which of its sides have said all that they will."""

from authproxy.exchange import Exchange, Token
from authproxy.policy.home import Home
from authproxy.wire.interim import InterimCount


class Stream:
    """An open stream. It ends when both sides have, or one takes it back."""

    __slots__ = (
        "age_s",
        "client_ended",
        "cors",
        "exchange",
        "home",
        "interim",
        "service_ended",
        "silent_s",
        "token",
    )

    def __init__(self, exchange: Exchange, *, client_ended: bool) -> None:
        self.exchange = exchange
        self.client_ended = client_ended
        self.service_ended = False
        self.age_s = self.silent_s = 0.0
        self.token: Token | None = None
        self.home: Home | None = None
        """What the service is to this call's client; None before one is found."""
        self.interim: InterimCount | None = None
        """Of interim answers, once one has come."""
        self.cors = b""
        """The lines that let a page of an allowed origin read the answer."""

    @property
    def is_answered(self) -> bool:
        """The client has been sent a final status."""
        return self.exchange.status != 0

    @property
    def waits_for_answer(self) -> bool:
        return self.client_ended and not self.is_answered

    def __repr__(self) -> str:
        return f"<Stream {self.exchange.request_id} [{'answered' if self.is_answered else 'open'}]>"
