"""One call: an exchange, and which of its sides have said all that they will."""

from authproxy.exchange import Exchange, Token
from authproxy.policy.messages.http2.answer_validity import NO_LENGTH
from authproxy.policy.messages.origin_mapping import Home
from authproxy.wire.admission.admission import NOWHERE, Admission
from authproxy.wire.http2.headers.response_blocks import ResponseBlock
from authproxy.wire.interim import InterimCount


class Stream:
    """An open stream. It ends when both sides have, or one takes it back."""

    __slots__ = (
        "admission",
        "age_s",
        "answer_bytes",
        "answer_length",
        "client_ended",
        "cors",
        "exchange",
        "head",
        "interim",
        "received_bytes",
        "request_length",
        "service_ended",
        "silent_s",
        "token",
    )

    def __init__(self, exchange: Exchange, *, client_ended: bool) -> None:
        self.exchange = exchange
        self.client_ended = client_ended
        self.service_ended = False
        self.age_s = self.silent_s = 0.0
        self.received_bytes = self.answer_bytes = 0
        """Of content."""
        self.request_length = self.answer_length = NO_LENGTH
        """Bytes of content that are to come in all, where that was said."""
        self.token: Token | None = None
        self.admission: Admission | None = None
        """None until it was admitted."""
        self.interim: InterimCount | None = None
        """Of interim answers, once one has come."""
        self.head: ResponseBlock | None = None
        """That of the final answer, once it has come."""
        self.cors = b""
        """The lines that let a page of an allowed origin read the answer."""

    @property
    def home(self) -> Home:
        """What the service is to this call's client."""
        return self.admission.home if self.admission is not None else NOWHERE

    @property
    def target(self) -> bytes:
        """What the service was asked for."""
        return self.admission.target if self.admission is not None else b""

    @property
    def is_answered(self) -> bool:
        """The client has been sent a final status."""
        return self.exchange.status != 0

    @property
    def is_event_stream(self) -> bool:
        """Server-sent events that the client asked for, and comes back for when they end."""
        is_get = self.exchange.head.method == b"GET"
        return self.head is not None and is_get and is_event_stream(self.head)

    @property
    def waits_for_answer(self) -> bool:
        return self.client_ended and not self.is_answered

    def __repr__(self) -> str:
        return f"<Stream {self.exchange.request_id} [{'answered' if self.is_answered else 'open'}]>"


def is_event_stream(head: ResponseBlock) -> bool:
    """Whether the answer with this head has server-sent events."""
    media_type = head.find(b"content-type") or b""
    return media_type.partition(b";")[0].strip().lower() == b"text/event-stream"
