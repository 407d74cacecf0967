"""Second look at a connection of HTTP/1, when the rules are others."""

from typing import Protocol

from authproxy.settings import TimeoutSettings
from authproxy.wire.admission.caller import Caller
from authproxy.wire.client.pipeline import Pipeline
from authproxy.wire.goodbye import LAST_IDLE_S
from authproxy.wire.relay.relay import Relay


class Rechecked(Protocol):
    """One that requests come by."""

    caller: Caller
    pipeline: Pipeline[Relay]

    def flush(self) -> None:
        """Send what has been written."""

    def close(self) -> None:
        """Close when all that was written has gone out."""


def recheck(connection: Rechecked) -> None:
    """A request under way that may not go on hears why, as far as its answer has not begun. Those
    in line behind it are judged when it is their turn."""
    caller, relay = connection.caller, connection.pipeline.current
    caller.look_again()
    is_admitted = relay is not None and relay.exchange.service
    admitted = relay.admission if relay is not None and is_admitted else caller.last_admission
    loss = caller.find_loss(admitted) if admitted is not None else None
    if loss is None:
        return
    if relay is None:
        connection.close()
        return
    relay.keep_alive = False
    relay.give_up(loss)
    connection.flush()


def find_rest_s(caller: Caller, timeouts: TimeoutSettings) -> float:
    """How long a client may rest, in seconds: nobody comes to a closed listener any more."""
    return LAST_IDLE_S if caller.rules.is_closed else timeouts.keep_alive
