"""Observers' methods: found once, and called so that an error in one does no harm."""

import logging
import time
from collections.abc import Callable, Container, Sequence
from typing import cast

from authproxy.exchange import Exchange, Observer, ResponseHead, read_fields

logger = logging.getLogger(__name__)

Hooks = tuple[Callable[..., object], ...]
"""Methods of one name, in the order of the observers."""
Fields = Sequence[tuple[bytes, bytes]]
_BREAKING = bytes({*range(0x20), 0x7F} - {ord("\t")})
"""What no value may hold: it would end the line, or not pass."""
QUIET_S = 60.0
"""What one observer's failures have to say is written to the log once in so many seconds."""


class Observers:
    """Observers of one server."""

    def __init__(
        self, observers: Sequence[Observer], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._observers = tuple(observers)
        self._clock = clock
        named = (getattr(observer, "names_to_send", ()) for observer in observers)
        self._names = frozenset(name for names in named for name in names)
        self._failures: dict[int, tuple[float, int]] = {}
        """By the observer: until when nothing is said of it, and how often it failed unsaid."""

    def find(self, name: str) -> Hooks:
        """The methods of this name, of the observers that have one."""
        found = (getattr(observer, name, None) for observer in self._observers)
        return tuple(hook for hook in found if hook is not None)

    def find_wanted(self, *, every: bool) -> Container[Exchange]:
        """The exchanges of whose `exchange_sent` somebody wants to hear, or all."""
        asking = [each for each in self._observers if hasattr(each, "exchange_sent")]
        named = [getattr(each, "hears_sent_of", None) for each in asking]
        some = [each for each in named if isinstance(each, Container)]
        if every or len(some) < len(named):
            return _Every()
        return some[0] if len(some) == 1 else _Some(some)

    @property
    def want_waits(self) -> bool:
        """Somebody asks for what `ObserverMethods.wants_waits` promises."""
        return self.want_times or any(
            getattr(observer, "wants_waits", False) for observer in self._observers
        )

    @property
    def want_times(self) -> bool:
        """Somebody asks for what `ObserverMethods.wants_times` promises."""
        return self.want_details or any(
            getattr(observer, "wants_times", False) for observer in self._observers
        )

    @property
    def want_details(self) -> bool:
        """Somebody asks for what `ObserverMethods.wants_details` promises."""
        return any(getattr(observer, "wants_details", False) for observer in self._observers)

    @property
    def want_heads(self) -> bool:
        """Somebody asks for what `ObserverMethods.wants_heads` promises."""
        return any(getattr(observer, "wants_heads", False) for observer in self._observers)

    @property
    def names_to_send(self) -> frozenset[bytes]:
        """Of the fields that observers put on requests, in lower case."""
        return self._names

    def tell(self, hooks: Hooks, *what: object) -> None:
        """An observer that fails touches neither the exchange nor those behind it."""
        for hook in hooks:
            try:
                hook(*what)
            except Exception as error:  # noqa: BLE001 -- whatever it is, it is logged
                self.note(hook, what[0], error)

    def gather(self, hooks: Hooks, exchange: object) -> list[tuple[bytes, bytes]]:
        """The fields that these return; all or none of one observer's."""
        found: list[tuple[bytes, bytes]] = []
        for hook in hooks:
            try:
                own = hook(exchange)
                found += _read_lines(own) if isinstance(own, bytes) else self._checked(own)
            except Exception as error:  # noqa: BLE001 -- whatever it is, it is logged
                self.note(hook, exchange, error)
        return found

    def checked_lines(self, fields: object) -> bytes:
        """Pairs of one observer's as lines. Raises ValueError."""
        return b"".join([b"%b: %b\r\n" % field for field in self._checked(fields)])

    def _checked(self, own: object) -> Fields:
        """Raises ValueError for a name that was not announced, and for what would end a line."""
        fields = cast(Fields, own)
        for name, value in fields:
            if name.lower() not in self._names:
                raise ValueError(f"{name!r} is not among its names_to_send")
            if len(value.translate(None, _BREAKING)) != len(value):
                raise ValueError(f"the value of {name!r} would not stay in one line")
        return fields

    def note(self, hook: Callable[..., object], exchange: object, error: Exception) -> None:
        """With its traceback, but not for every exchange: it will fail again."""
        now, who = self._clock(), id(getattr(hook, "__self__", hook))
        quiet_until, unsaid = self._failures.get(who, (now, 0))
        if now < quiet_until:
            self._failures[who] = quiet_until, unsaid + 1
            return
        self._failures[who] = now + QUIET_S, 0
        more = f"; it has failed {unsaid:,} times more since the last such line" if unsaid else ""
        logger.error("%r failed to record %r%s", hook, exchange, more, exc_info=error)

    def __repr__(self) -> str:
        return f"<Observers {list(self._observers)}>"


def _read_lines(lines: bytes) -> Fields:
    """They are as HTTP/1 has them, with one blank behind the colon."""
    pairs = [line.partition(b": ") for line in lines[:-2].split(b"\r\n")]
    return [(name, value) for name, _, value in pairs]


class _Every:
    def __contains__(self, _: object) -> bool:
        return True


class _Some:
    def __init__(self, groups: Sequence[Container[Exchange]]) -> None:
        self._groups = groups

    def __contains__(self, exchange: object) -> bool:
        return any(exchange in group for group in self._groups)


def read_written(head: bytes | ResponseHead) -> ResponseHead:
    """An answer's head as it was written for HTTP/1.1; one that was read already is as it is."""
    if not isinstance(head, bytes):
        return head
    line, _, lines = head.partition(b"\r\n")
    version, _, rest = line.partition(b" ")
    status, _, reason = rest.partition(b" ")
    return ResponseHead(int(status), reason, read_fields(lines), version[5:].decode("ascii"))
