"""Protocols of a spliced connection, as its parts see it."""

import asyncio
from typing import Protocol

from authproxy.errors import AuthProxyError
from authproxy.policy.messages.http2.call import Call
from authproxy.times import Opening
from authproxy.wire.admission.admission import Admission
from authproxy.wire.admission.caller import Caller
from authproxy.wire.http2.framing.flood_guard import Guard
from authproxy.wire.relay.interfaces import Server
from authproxy.wire.upstream.upstream import Upstream


class Ears(Protocol):
    """Hears what the two transports tell."""

    def from_client(self, data: bytes, /) -> None:
        """Bytes of the client's."""

    def from_service(self, data: bytes, /) -> None:
        """Bytes of the service's."""

    def client_congested(self, on: bool, /) -> None:
        """`on`: the client reads slower than is written to it; else it has caught up."""

    def service_congested(self, on: bool, /) -> None:
        """The same of the service; `on` as before."""

    def client_gone(self) -> None:
        """The client's connection ended."""

    def service_gone(self, reason: str, /) -> None:
        """The service's connection ended, for a `reason` that clients may be told."""


class Ends(Ears, Protocol):
    """The connection, as its side towards the service sees it."""

    @property
    def is_over(self) -> bool:
        """Nothing that comes is looked at any more."""

    def connected(self, transport: asyncio.Transport, opening: Opening, /) -> None:
        """The connection to the service is open, by `transport`; `opening`: how long that took."""

    def give_up(self, error: AuthProxyError, /) -> None:
        """The service cannot be reached, or is lost: every call ends with `error`."""


class FromClient(Protocol):
    """Reader of the client's frames."""

    last_sent_id: int
    """The highest stream that the service has heard of."""

    def allow_table(self, size: int, /) -> None:
        """The client has confirmed the service's SETTINGS: its table may have `size` bytes."""


class FromService(Protocol):
    """Reader of the service's frames."""

    def allow_table(self, size: int, /) -> None:
        """The service has confirmed the client's SETTINGS: its table may have `size` bytes."""

    def take_due_update(self) -> bytes:
        """Changes of the table's size that the next block for the client must begin with (RFC 7541
        4.2); empty when there are none. They are given once."""


class Between(Protocol):
    """The connection, as those see it who read and write frames."""

    server: Server
    caller: Caller
    guard: Guard

    @property
    def requests(self) -> FromClient:
        """What reads the client's frames."""

    @property
    def answers(self) -> FromService:
        """What reads the service's frames."""

    @property
    def upstream(self) -> Upstream | None:
        """The service, once a call has said which: it is connected or will be; None before."""

    @property
    def is_over(self) -> bool:
        """Nothing that comes is looked at any more."""

    @property
    def unread_bytes(self) -> int:
        """Bytes for the client that it has not taken yet."""

    def admit(self, call: Call, /) -> Admission:
        """Where a call goes. Raises NotAdmitted."""

    def stop_looking(self) -> None:
        """Look at nothing more from the client, until `go_on`."""

    def go_on(self, frames: bytes, /) -> None:
        """Send `frames` to the service, then look at what has come of the client."""

    def to_client(self, frames: bytes, /) -> None:
        """Send frames of our own."""

    def to_service(self, frames: bytes, /) -> None:
        """Send frames of our own."""

    def client_settings(self, settings: dict[int, int], /) -> None:
        """The client says this of itself."""

    def service_settings(self, settings: dict[int, int], /) -> None:
        """The service says this of itself."""

    def finish(self) -> None:
        """Close in good order, if nothing is in flight."""

    def cut(self) -> None:
        """Close both ends at once."""
