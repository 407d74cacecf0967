"""Amounts: durations, sizes, rates and shares with their units, and plain numbers."""

import math
import re

from authproxy.values.wording import quoted

SECONDS = {
    **{"ms": 0.001, "s": 1, "sec": 1, "second": 1, "seconds": 1},
    **{"m": 60, "min": 60, "minute": 60, "minutes": 60},
    **{"h": 3600, "hour": 3600, "hours": 3600, "d": 86400, "day": 86400, "days": 86400},
}
BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
PER = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600}

MOST_WORKERS = 256

_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_DURATION = re.compile(rf"(?:{_NUMBER}\s*[a-z]+\s*)+")
_PART = re.compile(rf"({_NUMBER})\s*([a-z]+)")
_SIZE = re.compile(rf"({_NUMBER})\s*([a-z]+)")
_RATE = re.compile(rf"({_NUMBER})\s*(?:/|per)\s*([a-z]+)")


def parse_seconds(text: str) -> float | str:
    """`30s`, `5m`, `1h 30m`, `250ms`; what has no unit is returned as it is."""
    written = text.strip().lower()
    parts = _PART.findall(written) if _DURATION.fullmatch(written) else []
    if not parts or any(unit not in SECONDS for _, unit in parts):
        return _plain(text, "a number of seconds, as in 30, or with a unit: 30s, 5m, 1h, 250ms")
    return sum(float(number) * SECONDS[unit] for number, unit in parts)


def parse_bytes(text: str) -> int | str:
    """`10MB`, `64KiB`; what has no unit is returned as it is."""
    found = _SIZE.fullmatch(text.strip().lower())
    if found is None or found[2] not in BYTES:
        letter = found[2].upper() if found and found[2] in ("k", "m", "g") else ""
        which = f"; {letter} is not clear: {letter}B is of 1000, {letter}iB of 1024"
        advice = "a number of bytes, as in 65536, or with a unit: 64KiB, 10MB"
        return _plain(text, advice + (which if letter else ""))
    size = float(found[1]) * BYTES[found[2]]
    if math.isinf(size):
        raise ValueError(f"{quoted(text)} is more than there is")
    if size != int(size):
        raise ValueError(f"{quoted(text)} is no whole number of bytes")
    return int(size)


def parse_rate(text: str) -> float | str:
    """`10/s`, `600/min`; what has no unit is returned as it is."""
    found = _RATE.fullmatch(text.strip().lower())
    if found is None or found[2] not in PER:
        return _plain(text, "a number per second, as in 10, or with a unit: 10/s, 600/min")
    return float(found[1]) / PER[found[2]]


def parse_share(text: str) -> float | str:
    """`10%`; what has no unit is returned as it is."""
    found = re.fullmatch(rf"({_NUMBER})\s*%", text.strip())
    if found is None:
        return _plain(text, "a share from 0 to 1, as in 0.1, or in percent: 10%")
    return float(found[1]) / 100


def _plain(text: str, advice: str) -> str:
    """A number, to be looked at by whoever wants one. Raises ValueError."""
    if re.fullmatch(rf"{_NUMBER}(?:e[+-]?\d+)?|[+-]?(?:inf(?:inity)?|nan)", text.strip().lower()):
        return text.strip()
    raise ValueError(f"{quoted(text)} is not {advice}")


def parse_count(text: str) -> str:
    """How many: there is no unit for it."""
    return text.strip().replace("_", "")


def parse_workers(value: object) -> object:
    """A number of processes, or `auto`."""
    given = value.strip().lower() if isinstance(value, str) else value
    if isinstance(given, str) and given.isdecimal() and len(given) < 10:
        given = int(given)
    is_number = isinstance(given, int) and not isinstance(given, bool)
    if given != "auto" and not (is_number and given in range(1, MOST_WORKERS + 1)):
        raise ValueError(f'must be a number from 1 to {MOST_WORKERS}, or "auto"')
    return given
