"""Choice of a scraper's format, by its `Accept` and `Accept-Encoding` (RFC 9110 12.5).

prometheus_client has this too, but does not look at `q`. Prometheus says what comes when nothing
fits: text 0.0.4 (its document "Scrape protocol content negotiation"). It names `escaping` for the
formats of version 1.0.0. That is about names with other characters than ours have, so that ours are
the same by `underscores` and `allow-utf-8`, and these are what an answer says.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

OPENMETRICS = "application/openmetrics-text"
TEXT = "text/plain"
AS_THEY_ARE = ("allow-utf-8", "underscores")
"""Schemes by which names of ASCII letters, digits and underscores stay what they are."""


@dataclass(frozen=True, slots=True)
class Format:
    """One that we write."""

    media_type: str
    version: str
    escaping: str = ""

    @property
    def is_openmetrics(self) -> bool:
        return self.media_type == OPENMETRICS

    @property
    def content_type(self) -> str:
        escaping = f"; escaping={self.escaping}" if self.escaping else ""
        return f"{self.media_type}; version={self.version}; charset=utf-8{escaping}"


OPENMETRICS_1 = Format(OPENMETRICS, "1.0.0", "underscores")
OPENMETRICS_0 = Format(OPENMETRICS, "0.0.1")
TEXT_1 = Format(TEXT, "1.0.0", "underscores")
TEXT_0 = Format(TEXT, "0.0.4")

FORMATS = (OPENMETRICS_1, TEXT_0, TEXT_1, OPENMETRICS_0)
"""Of those that a scraper wants as much as each other and has named, the first."""
UNNAMED = (TEXT_0, TEXT_1, OPENMETRICS_1, OPENMETRICS_0)
"""The same where it has named no type, as browsers and curl do not."""

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_ITEM = re.compile(rf"(?:{_QUOTED}|[^\",])+")
_PART = re.compile(rf"(?:{_QUOTED}|[^\";])+")
_Q = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


class Range(NamedTuple):
    """One item of a list with weights."""

    name: str
    parameters: dict[str, str]
    q: float


def parse_list(text: str) -> list[Range]:
    """Items whose `q` is not valid are left out: what they ask for cannot be known."""
    found = []
    for item in _ITEM.findall(text):
        name, *rest = [part.strip() for part in _PART.findall(item)] or [""]
        pairs = [part.partition("=") for part in rest]
        parameters = {key.strip().lower(): _unquoted(value) for key, _, value in pairs}
        q = parameters.pop("q", "1")
        if name and _Q.fullmatch(q):
            found.append(Range(name.lower(), parameters, float(q)))
    return found


def _unquoted(value: str) -> str:
    value = value.strip()
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value[:1] == '"' else value


def choose_format(accept: str) -> Format:
    """The one that is wanted most; text 0.0.4 where none of ours is."""
    ranges = parse_list(accept)
    best, best_rank = TEXT_0, (0.0, 0, 0)
    for format_ in FORMATS:
        found = _closest(ranges, format_)
        if found is None or found.q == 0:
            continue
        closeness = _closeness(found, format_)
        order = FORMATS if closeness > _ANY_SUBTYPE else UNNAMED
        rank = (found.q, closeness, -order.index(format_))
        if best_rank == (0.0, 0, 0) or rank > best_rank:
            best, best_rank = _escaped(format_, found), rank
    return best


_ANY, _ANY_SUBTYPE, _TYPE, _VERSION = 1, 2, 3, 4


def _closeness(item: Range, format_: Format) -> int:
    """How closely it means this format; 0: not at all. The closest one counts (RFC 9110 12.5.1)."""
    if item.name == format_.media_type:
        version = item.parameters.get("version")
        if version is None:
            return _TYPE
        return _VERSION if version == format_.version else 0
    if item.name == f"{format_.media_type.partition('/')[0]}/*":
        return _ANY_SUBTYPE
    return _ANY if item.name in ("*/*", "*") else 0


def _closest(ranges: list[Range], format_: Format) -> Range | None:
    close = [each for each in ranges if _closeness(each, format_)]
    return max(close, key=lambda each: _closeness(each, format_), default=None)


def _escaped(format_: Format, wanted: Range) -> Format:
    asked = wanted.parameters.get("escaping", "")
    if format_.escaping and asked in AS_THEY_ARE:
        return Format(format_.media_type, format_.version, asked)
    return format_


def wants_gzip(accept_encoding: str) -> bool:
    """Whether it is welcome, and at least as much as no coding at all is."""
    weights = {each.name: each.q for each in parse_list(accept_encoding)}
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)
