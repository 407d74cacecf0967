"""Makes the fields of heads and trailers right for the other side, by `messages.address_fields`."""

from collections.abc import Sequence

from authproxy.errors import Code
from authproxy.exchange import Field, make_field
from authproxy.policy.messages.address_fields import ANSWERS, REQUESTS, Change, Row
from authproxy.policy.messages.origin_mapping import Home

MAX_KNOWN = 32
MAX_KNOWN_BYTES = 4096
"""Fields of answers that are remembered for a client, and the longest: memory has a bound."""


def _changes(rows: Sequence[Row]) -> dict[bytes, Change]:
    return {row.name.lower().encode(): row.change for row in rows if row.change is not None}


def _loops_only(value: bytes, _: Home) -> bytes | None:
    """What another authproxy on this machine, or this one, has said of a request that came back."""
    return value if value == Code.LOOP_DETECTED.encode() else None


def _gone(_: bytes, __: Home) -> None:
    return None


_OUR_WORDS: dict[bytes, Change] = {
    b"x-authproxy-error": _loops_only,
    b"x-authproxy-answer": _gone,
}
"""By these clients know the answers that authproxy makes by itself: no service may say so."""
_TO_SERVICE = _changes(REQUESTS)
_TO_CLIENT = _changes(ANSWERS) | _OUR_WORDS
REQUEST_FIELDS = frozenset(_TO_SERVICE)
"""Fields that the service must see otherwise, in lower case."""
LOCAL_FIELDS = frozenset(_TO_CLIENT)
"""Fields that the client must see otherwise, in lower case."""
_HARDLY_EVER_TWICE = frozenset([b"location", b"set-cookie"])


def local_answer(headers: Sequence[Field], home: Home) -> list[Field]:
    """The fields of an answer, as they are right for the client."""
    found: list[Field] = []
    known = home.known
    for field in headers:
        if field[0] in _TO_CLIENT:
            changed = known[field] if field in known else _localize(field, home)
            if changed is None:
                continue
            field = changed
        found.append(field)
    return found


def _localize(field: Field, home: Home) -> Field | None:
    """Services repeat themselves, so what a field became is kept."""
    name, value, line = field
    changed = _TO_CLIENT[name](value, home)
    local: Field | None = field
    if changed is None:
        local = None
    elif changed != value:
        local = make_field(line[: len(name)] or name, changed)
    if name not in _HARDLY_EVER_TWICE and len(value) <= MAX_KNOWN_BYTES:
        if len(home.known) >= MAX_KNOWN:
            home.known.clear()
        home.known[field] = local
    return local


def local_value(name: bytes, value: bytes, home: Home) -> bytes | None:
    """The value of one field of an answer, as it is right for the client; None: it must not pass.

    `name` is in lower case.
    """
    if name not in _TO_CLIENT:
        return value
    field = (name, value, b"")
    local = home.known[field] if field in home.known else _localize(field, home)
    return None if local is None else local[1]


def service_request(headers: Sequence[Field], home: Home) -> list[Field]:
    """The fields of a request, as they are right for the service."""
    found = []
    for field in headers:
        change = _TO_SERVICE.get(field[0])
        changed = field[1] if change is None else change(field[1], home)
        if changed == field[1]:
            found.append(field)
        elif changed is not None:
            found.append(make_field(field[2][: len(field[0])], changed))
    return found
