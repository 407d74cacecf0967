"""Says which exchanges get a line: each when it has ended, and those that stay open also before."""

from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]
MOST_REMEMBERED = 50_000
"""More than the admin listener keeps as a rule."""
_STAY_OPEN = {"sse", "websocket"}


class Chooser:
    """Remembers what has been shown of the run of authproxy that it hears of."""

    def __init__(self, last: int) -> None:
        """`last`: so many earlier ones are shown first."""
        self._last: int | None = last
        self._run = ""
        self._oldest = 0
        """Number of the newest exchange that was there before us."""
        self._shown: dict[tuple[str, bool], None] = {}

    def take_list(self, found: dict[str, Any]) -> list[Row]:
        """`found`: a list as the admin listener has it, the newest first. Those to show, in the
        order in which they began."""
        rows: list[Row] = found["exchanges"][::-1]
        if self._last is not None:
            rows = self._begin(rows, self._last)
            self._last = None
        elif found["run"] != self._run:
            self._shown.clear()
            self._oldest = 0
        self._run = found["run"]
        return self.take([row for row in rows if int(row["id"]) > self._oldest or row["live"]])

    def _begin(self, rows: Sequence[Row], last: int) -> list[Row]:
        kept = list(rows[-last:]) if last else []
        ended = [int(row["id"]) for row in rows if not row["live"]]
        newest = max(ended, default=0)
        self._oldest = min((int(row["id"]) - 1 for row in kept), default=newest)
        return kept

    def take(self, rows: Sequence[Row]) -> list[Row]:
        """Those of `rows`, new or changed, that are to be shown now."""
        return [row for row in rows if self._is_due(row) and self._is_first(row)]

    def _is_due(self, row: Row) -> bool:
        stays = row["status"] == 101 or not _STAY_OPEN.isdisjoint(row["kinds"])
        return not row["live"] or (stays and row["status"] != 0)

    def _is_first(self, row: Row) -> bool:
        mark = (row["id"], row["live"])
        if mark in self._shown:
            return False
        self._shown[mark] = None
        if len(self._shown) > MOST_REMEMBERED:
            del self._shown[next(iter(self._shown))]
        return True
