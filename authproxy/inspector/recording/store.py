"""The last exchanges, within one bound of memory."""

import itertools
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from operator import attrgetter, itemgetter

from authproxy.exchange import Exchange, Field
from authproxy.inspector.recording.kept_heads import MemoryAccount
from authproxy.inspector.recording.record import Extra, Kept, Record
from authproxy.inspector.recording.record_maker import RecordMaker
from authproxy.inspector.recording.service_rates import ServiceRates

FIXED = 2 * 1024 * 1024
"""Bytes that are taken whatever is kept: what is remembered of heads, and of services."""
PLACE = 100
"""Bytes that it takes to know an exchange under way; all else of it is the data path's."""
AT_ONCE = 64
"""Room is made for a 64th of all: so it is seldom looked for."""


class Store:
    """The oldest that have ended go first, and what content there is of those under way when that
    is more than half of all: open streams must not leave the list empty."""

    def __init__(
        self, memory: int, account: MemoryAccount, maker: RecordMaker, rates: ServiceRates
    ) -> None:
        """`memory`: bytes, for everything that is kept."""
        self._limit = memory - FIXED
        self._account = account
        self._maker = maker
        self._note = rates.note
        self.live: set[Exchange] = set()
        """Those that have begun, and will be kept unless they began in a pause."""
        self._ended: deque[Kept] = deque()
        self._changes = 0
        self.cleared_at = 0
        """The position of the last `clear`."""
        self.forgotten = 0
        """Records that made room."""
        self._paused_at: int | None = None
        """The number of the last exchange that had begun when it was paused."""

    @property
    def used(self) -> int:
        """Bytes."""
        return self._account.used + len(self.live) * PLACE

    @property
    def limit(self) -> int:
        """Bytes, for what is kept besides FIXED."""
        return self._limit

    @property
    def changes(self) -> int:
        """How many have ended: the position of a reader that knows all of them."""
        return self._changes

    @property
    def newest_number(self) -> int:
        """Of all that are kept or under way; 0 when there are none."""
        numbers = [kept[0] for kept in self._ended]
        return max(numbers + [each.number for each in self.live], default=0)

    @property
    def is_paused(self) -> bool:
        return self._paused_at is not None

    def pause(self) -> None:
        """What begins from now on will not be kept."""
        if self._paused_at is None:
            self._paused_at = self.newest_number

    def resume(self) -> None:
        """What begins from now on will be kept."""
        for exchange in self.live - set(self._under_way()):
            self._drop(exchange)  # with what is known of it: nothing else would take that away
        self._paused_at = None

    def __len__(self) -> int:
        return len(self._ended) + len(self._under_way())

    def tunnel_opened(self, exchange: Exchange) -> None:
        """It may last for days: its heads are kept without their secrets from now on."""
        if exchange in self.live:
            self._maker.keep_heads(exchange)
            self._make_room_if_needed()

    def keep(self, exchange: Exchange) -> None:
        """It has ended."""
        self._note(exchange)
        live = self.live
        if exchange not in live:  # it was forgotten
            return
        live.remove(exchange)
        if self._paused_at is not None and exchange.number > self._paused_at:
            self._drop(exchange)
            return
        try:
            self._ended.append(self._maker.keep(exchange))
        except BaseException:
            self._drop(exchange)
            raise
        self._changes += 1
        if self._account.used + len(live) * PLACE > self._limit:
            self.make_room()

    def note_replays(self) -> None:
        """A request that we have sent ourselves is on its way, or was answered."""
        for exchange in self.live:
            self._maker.look_for_replay(exchange)

    def note_trailers(self, exchange: Exchange, fields: Sequence[Field]) -> None:
        """Those of its answer."""
        if exchange in self.live:
            self._maker.note_trailers(exchange, fields)

    def _under_way(self) -> list[Exchange]:
        at = self._paused_at
        return [each for each in self.live if at is None or each.number <= at]

    def grew(self, extra: Extra, by: int) -> None:
        """Of an exchange under way."""
        extra.held += by
        self._account.used += by
        self._make_room_if_needed()

    def _make_room_if_needed(self) -> None:
        if self._account.used + len(self.live) * PLACE > self._limit:
            self.make_room()

    def make_room(self) -> None:
        """Forget until all fits, and some more."""
        enough = self._limit - self._limit // AT_ONCE
        ended, extras = self._ended, self._maker.extras
        account, half = self._account, self._limit // 2
        under_way = sum(extra.held for extra in extras.values())
        while account.used + len(self.live) * PLACE > enough and (ended or extras):
            if ended and (under_way <= half or not extras):
                self._maker.drop(ended.popleft())
            else:
                exchange = next(iter(extras))
                under_way -= extras[exchange].held
                self._drop(exchange)
            self.forgotten += 1

    def lose(self, exchange: Exchange) -> None:
        """It has ended, and nothing more is known of it."""
        self._drop(exchange)
        self.forgotten += 1

    def _drop(self, exchange: Exchange) -> None:
        """Forget one under way, for good."""
        self.live.discard(exchange)
        extra = self._maker.forget(exchange)
        if extra is not None:
            self._account.used -= extra.held

    def clear(self) -> None:
        """Forget what has ended, and what is under way."""
        for kept in self._ended:
            self._maker.drop(kept)
        self._ended.clear()
        for exchange in [*self.live, *self._maker.extras]:
            self._drop(exchange)
        self._changes += 1
        self.cleared_at = self._changes

    def find(self, number: int) -> Record | None:
        """The newest are looked at first: who asks for one has mostly just seen it."""
        make = self._maker
        for exchange in self._under_way():
            if exchange.number == number:
                return make.show_under_way(exchange)
        kept = next((kept for kept in reversed(self._ended) if kept[0] == number), None)
        return None if kept is None else make.show(kept)

    def find_all(self, numbers: Collection[int]) -> dict[int, Record]:
        """Those that are kept, by number. Numbers are looked for one by one: this is for people."""
        wanted, make = frozenset(numbers), self._maker
        found = {e.number: make.show_under_way(e) for e in self._under_way() if e.number in wanted}
        ended = (kept for kept in self._ended if kept[0] in wanted)
        return found | {kept[0]: make.show(kept) for kept in ended}

    def newest_first(self) -> Iterator[Record]:
        """All that there are at this moment, but for those that are forgotten before their turn."""
        every: list[tuple[int, Kept | Exchange]] = [(kept[0], kept) for kept in self._ended]
        every += [(exchange.number, exchange) for exchange in self._under_way()]
        every.sort(key=itemgetter(0), reverse=True)
        make = self._maker
        for _, each in every:
            if isinstance(each, Exchange):
                yield make.show_under_way(each)
            elif each[1] in make.common:
                yield make.show(each)

    def since(self, position: int) -> list[Record] | None:
        """What has ended since then; None when nobody knows any more."""
        behind = self.changes - position
        if position < self.cleared_at or not 0 <= behind <= len(self._ended):
            return None
        newest = itertools.islice(reversed(self._ended), behind)
        return [self._maker.show(kept) for kept in newest][::-1]

    def under_way(self, told: dict[int, object]) -> list[Record]:
        """Those under way of which there is more to tell than was `told`, which is brought up to
        date: by number, what was told of each."""
        extras = self._maker.extras
        now: dict[int, object] = {}
        found: list[Exchange] = []
        for exchange in self._under_way():
            extra = extras.get(exchange)
            now[exchange.number] = state = exchange.status, extra.changes if extra else 0
            if told.get(exchange.number) != state:
                found.append(exchange)
        told.clear()
        told |= now
        found.sort(key=attrgetter("number"))
        return [self._maker.show_under_way(each) for each in found]

    def __repr__(self) -> str:
        return f"<Store [{len(self)} exchanges, {self.used} of {self._limit} bytes]>"
