"""`authproxy key`: a new key for clients, and the digest of one."""

import secrets
from collections.abc import Callable

from authproxy.config.files.inbound_keys import LEAST
from authproxy.errors import StartError
from authproxy.policy.access.inbound_keys import MAX_KEY, digest_of
from authproxy.values import parse_name

PREFIX = "apk_"
"""By which scanners of source code can recognise a key that somebody has checked in."""

Say = Callable[[str], None]


def make(name: str, *, say: Say, explain: Say) -> None:
    """Say a new key of 256 random bits; explain what to write into the configuration.

    Raises ValueError for a name that the configuration could not have.
    """
    parse_name(name, what="key")
    key = PREFIX + secrets.token_urlsafe(32)
    say(key)
    explain("This key is not shown again. Write this into the configuration:\n")
    explain(f'[keys.{name}]\nsha256 = "{digest_of(key).hex()}"')


def digest(key: str, *, say: Say) -> None:
    """Say the digest of `key`. Raises StartError for what is no good key."""
    key = key.strip()
    if not LEAST <= len(key) <= MAX_KEY:
        raise StartError(
            f"a key has {LEAST} to {MAX_KEY} characters; this one has {len(key)}",
            hint="A short one could be guessed from its digest. Make a good one: authproxy key",
        )
    say(digest_of(key).hex())
