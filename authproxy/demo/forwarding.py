"""The header fields that Cloud Run's front end removes and adds before the app gets a request."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from authproxy.demo.accounts import Account
from authproxy.demo.admission import AUTHORIZATION, SERVERLESS
from authproxy.values.hosts import bracketed

Fields = list[tuple[str, str]]
Redaction = Literal["users", "all", "none"]

SIGNATURE_REMOVED = "SIGNATURE_REMOVED_BY_GOOGLE"

# As Google lists them for Cloud Functions, which share the front end.
_REMOVED = frozenset(
    [
        "connection",
        "keep-alive",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "x-forwarded-host",
        "x-forwarded-proto",
    ]
)
_REMOVED_PREFIXES = ("x-google-", "x-goog-")
_JOINED = frozenset(["x-forwarded-for", "forwarded"])
_TOKEN = re.compile(r"(?i)^(\s*bearer\s+[\w-]+\.[\w-]+\.)[\w-]+(\s*)$")


@dataclass(frozen=True, slots=True)
class Trace:
    """The ids that the front end gives a request."""

    trace_id: str
    """32 hex digits."""
    span_id: int


def new_trace() -> Trace:
    return Trace(secrets.token_hex(16), secrets.randbits(63) | 1)


def remove_signature(value: str) -> str:
    """A bearer token without its signature; anything else as it is."""
    return _TOKEN.sub(rf"\g<1>{SIGNATURE_REMOVED}\g<2>", value)


def forwarded_fields(
    fields: Fields, *, peer: str, trace: Trace, account: Account | None, redaction: Redaction
) -> Fields:
    """The fields that the app gets for a request that came with `fields` from `peer`."""
    upgrades = any(name.lower() == "upgrade" for name, _ in fields)
    hidden = _redactor(account, redaction)
    kept = [
        (name, hidden(name.lower(), value))
        for name, value in fields
        if _passes(name.lower(), upgrades=upgrades)
    ]
    return kept + _added(fields, peer, trace)


def _passes(name: str, *, upgrades: bool) -> bool:
    if name == "connection":
        return upgrades
    return name not in _REMOVED | _JOINED and not name.startswith(_REMOVED_PREFIXES)


def _redactor(account: Account | None, redaction: Redaction) -> Callable[[str, str], str]:
    """X-Serverless-Authorization always loses its signature; Authorization as observers disagree.

    Most saw a service account's signature kept there and a user's removed.
    """
    is_user = account is not None and account.is_user
    also = redaction == "all" or (redaction == "users" and is_user)

    def hidden(name: str, value: str) -> str:
        if name.encode() == SERVERLESS or (name.encode() == AUTHORIZATION and also):
            return remove_signature(value)
        return value

    return hidden


def _added(fields: Fields, peer: str, trace: Trace) -> Fields:
    """A client's own X-Forwarded-For and Forwarded come first (form `client, proxy`)."""
    parent = f"00-{trace.trace_id}-{trace.span_id:016x}-01"
    return [
        ("X-Forwarded-For", _joined(fields, "x-forwarded-for", peer)),
        ("X-Forwarded-Proto", "https"),
        ("Forwarded", _joined(fields, "forwarded", f'for="{bracketed(peer)}";proto=https')),
        *_unless_there(fields, "X-Cloud-Trace-Context", f"{trace.trace_id}/{trace.span_id};o=1"),
        *_unless_there(fields, "Traceparent", parent),
    ]


def _joined(fields: Fields, name: str, last: str) -> str:
    return ",".join([*(value for field, value in fields if field.lower() == name), last])


def _unless_there(fields: Fields, name: str, value: str) -> Fields:
    there = any(field.lower() == name.lower() for field, _ in fields)
    return [] if there else [(name, value)]
