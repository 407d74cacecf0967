"""Times of an exchange's steps: what it waited for, and how its connection was opened."""

from dataclasses import dataclass
from typing import Literal

WaitsFor = Literal["token", "connection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Times of the steps that opened a connection to a service. Monotonic clock, seconds."""

    began: float
    connected: float
    """It leads to the service: its name was looked up, and a proxy in between was asked."""
    ready: float
    """TLS is done; the same moment as `connected` where there is none."""


@dataclass(slots=True)
class Wait:
    """One wait of an exchange, for what was not at hand. Seconds from the exchange's start."""

    what: WaitsFor
    began_s: float
    ended_s: float = 0.0
    """When it came; 0.0: it has not come yet, or never did."""


class Times:
    """Times of one exchange. As with an `Exchange`, defaults on the class cost nothing."""

    waits: tuple[Wait, ...] = ()
    """What is sent again may wait again. In HTTP/2 a call waits for its token and for the
    connection at the same time."""
    opening: Opening | None = None
    """Of the connection that it was sent by last, if that is new: it may have been begun before
    this exchange was, for another one. None, too, unless an observer `wants_details`."""

    def begin(self, what: WaitsFor, at_s: float) -> None:
        """It waits from now on, if it did not already: to connect once more is the same wait."""
        if self._find(what) is None:
            self.waits += (Wait(what, at_s),)

    def end(self, what: WaitsFor, at_s: float) -> None:
        """It has what it waited for: from its start, unless it was said that it began later."""
        wait = self._find(what)
        if wait is None:
            self.waits += (Wait(what, 0.0, at_s),)
        else:
            wait.ended_s = at_s

    def waited_s(self, what: WaitsFor) -> float:
        """All its waits for this together, but for one in vain; 0.0 when there was none."""
        return sum(
            wait.ended_s - wait.began_s for wait in self.waits if wait.ended_s and wait.what == what
        )

    def _find(self, what: WaitsFor) -> Wait | None:
        """The one that lasts."""
        return next((each for each in self.waits if each.what == what and not each.ended_s), None)
