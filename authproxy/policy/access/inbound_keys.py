"""Keys that clients must show: who has one, and which services it opens.

Only digests are kept. SHA-256 without salt or rounds is enough for what `authproxy key` makes: 256
random bits, of which no dictionary has any. A password that somebody thought of would need more.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from authproxy.policy.access.permissions import Permissions

MAX_KEY = 512
"""Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundKey:
    """A key by the name that the configuration gives it."""

    name: str
    services: frozenset[str] = frozenset()
    """Those that it opens; empty: all."""
    account: str = ""
    """The service account that its requests act as; empty: each service's own identity."""
    permissions: Permissions | None = None
    """Which methods and paths it may use; None: all."""
    digest: bytes = field(default=b"", repr=False)
    """Which of the name's keys this is: there are two while an old one is still in use."""

    def opens(self, service: str) -> bool:
        return not self.services or service in self.services


class KeyRing:
    """All keys of a configuration."""

    def __init__(self, digests: Mapping[bytes, InboundKey]) -> None:
        self._digests = tuple(digests.items())

    def find(self, values: Sequence[bytes]) -> InboundKey | None:
        """The key that a client has shown; `values` are those of all its fields.

        How long this takes does not depend on the key: all digests are compared to their end.
        """
        if len(values) != 1 or not 0 < len(values[0]) <= MAX_KEY:
            return None
        shown = hashlib.sha256(values[0]).digest()
        found = None
        for digest, key in self._digests:
            if hmac.compare_digest(digest, shown):
                found = key
        return found

    def find_again(self, key: InboundKey) -> InboundKey | None:
        """What a key of another ring is in this one; None when it is none any more."""
        return next((own for digest, own in self._digests if digest == key.digest), None)

    def __repr__(self) -> str:
        names = dict.fromkeys(key.name for _, key in self._digests)
        return f"<KeyRing [{', '.join(names)}]>"


def digest_of(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
