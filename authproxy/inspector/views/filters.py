"""Filter for exchanges: by words, service, status, method and kind."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from authproxy.errors import Code, Refused
from authproxy.inspector.views.rows import Row

KINDS = ("grpc", "sse", "websocket", "mcp", "refused")
_STATUS = re.compile(r"(\d{3}|0)|([0-5])xx|(>=|<=|>|<)(\d{3})|(\d{3})-(\d{3})")
_WORDS = ("target", "host", "service", "client", "principal", "request_id", "id", "method", "code")


@dataclass(frozen=True, slots=True)
class Filter:
    """All of it must fit; what is empty fits everything."""

    text: str = ""
    services: frozenset[str] = frozenset()
    statuses: tuple[tuple[int, int], ...] = ()
    methods: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()

    def fits(self, row: Row) -> bool:
        return (
            (not self.services or row["service"] in self.services)
            and (not self.methods or row["method"] in self.methods)
            and (not self.kinds or self._fits_kind(row["kinds"]))
            and self._fits_status(row["status"])
            and (not self.text or self._has_text(row))
        )

    def _fits_kind(self, kinds: object) -> bool:
        return isinstance(kinds, list) and not self.kinds.isdisjoint(kinds)

    def _fits_status(self, status: object) -> bool:
        return not self.statuses or any(
            isinstance(status, int) and low <= status <= high for low, high in self.statuses
        )

    def _has_text(self, row: Row) -> bool:
        found = " ".join(str(row[name] or "") for name in _WORDS).lower() + f" {row['status']}"
        return all(word in found for word in self.text.split())


def read_filter(given: Mapping[str, str]) -> Filter:
    """From a query. Raises Refused, which says what cannot be read."""
    kinds = _listed(given.get("kind", "").lower())
    wrong = [kind for kind in kinds if kind not in KINDS]
    if wrong:
        raise _unreadable("kind", wrong[0], f"one of {', '.join(KINDS)}")
    return Filter(
        text=given.get("text", "").lower()[:200],
        services=frozenset(_listed(given.get("service", ""))),
        statuses=tuple(_status(each) for each in _listed(given.get("status", "").lower())),
        methods=frozenset(each.upper() for each in _listed(given.get("method", ""))),
        kinds=frozenset(kinds),
    )


def _listed(value: str) -> list[str]:
    return [each.strip() for each in value.split(",") if each.strip()]


def _status(word: str) -> tuple[int, int]:
    found = _STATUS.fullmatch(word)
    if found is None:
        raise _unreadable("status", word, "as in 404, 5xx, >=400 or 400-499")
    exact, digit, sign, bound, low, high = found.groups()
    if exact:
        return int(exact), int(exact)
    if digit:
        return int(digit) * 100, int(digit) * 100 + 99
    if sign:
        number = int(bound)
        return {
            ">=": (number, 999),
            ">": (number + 1, 999),
            "<=": (0, number),
            "<": (0, number - 1),
        }[sign]
    return int(low), int(high)


def _unreadable(name: str, value: str, wanted: str) -> Refused:
    return Refused(
        f"{name}={value[:40]!r} cannot be read.", code=Code.BAD_REQUEST, hint=f"Write {wanted}."
    )
