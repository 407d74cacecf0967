"""Puts a keyed digest in the place of each secret: in heads, targets, and texts of any kind.

What it has once replaced by its name it knows again: the same word is replaced wherever else it
stands. For that it keeps no secret, but Python's hash of it, which is made with a random key at
each start; so is the key of the digests.
"""

import hashlib
import re
import secrets
from urllib.parse import unquote_to_bytes

from authproxy.exchange import Field
from authproxy.inspector.redaction.names import Names
from authproxy.inspector.redaction.shapes import ELEMENT, PAIR, SECRET, SIGN, VALUE, WORD

SCHEMES = frozenset(
    {b"authorization", b"proxy-authorization", b"x-serverless-authorization", b"authentication"}
)
"""Fields that say a scheme first, which is no secret."""
ALWAYS = frozenset({b"x-goog-iap-jwt-assertion", b"x-forwarded-client-cert", b"mcp-session-id"})
TOO_SHORT = 8
"""Bytes: shorter words stand in texts by themselves."""
KNOWN_AT_MOST = 4096
CLEAN_AT_MOST = 1024
_DONE = b"[redacted:"


class Redactor:
    """For one run of authproxy."""

    def __init__(self, names: Names, key: bytes | None = None) -> None:
        """`key` is for tests; made at random without one."""
        self.names = names
        self._key = key or secrets.token_bytes(32)
        self._known: dict[int, None] = {}
        self._clean: set[int] = set()
        """Texts that nothing secret is in, as far as is known by now."""

    def digest(self, secret: bytes) -> bytes:
        """What stands in the place of `secret`: shows whether two are equal, and nothing else."""
        if not secret or secret.startswith(_DONE):
            return secret
        return b"%b%b]" % (
            _DONE,
            hashlib.blake2b(secret, key=self._key, digest_size=5).hexdigest().encode(),
        )

    def named(self, secret: bytes) -> bytes:
        """As `digest`, of what stood under the name of a secret: it is known from now on."""
        if len(secret) >= TOO_SHORT:
            key = hash(secret)
            if key not in self._known:
                if len(self._known) >= KNOWN_AT_MOST:
                    del self._known[next(iter(self._known))]
                self._clean.clear()
            self._known[key] = None
        return self.digest(secret)

    def line(self, field: Field, secret_names: frozenset[bytes] = frozenset()) -> bytes:
        """A header line as it may be kept; `secret_names` are further ones, in lower case."""
        name, value, line = field
        if b"\r" in line or b"\n" in line:
            line = b"%b: %b" % (name, value)
        kept = self.value(name, value, secret_names)
        if kept == value:
            return line
        shown, colon, _ = line.partition(b":")
        return b"%b: %b" % (shown if colon else name, kept)

    def value(self, name: bytes, value: bytes, secret_names: frozenset[bytes]) -> bytes:
        """A field's value as it may be kept."""
        if name in SCHEMES:
            scheme, space, rest = value.strip().partition(b" ")
            return b"%b %b" % (scheme, self.named(rest.strip())) if space else self.named(scheme)
        if name == b"cookie":
            return b"; ".join(map(self._cookie, value.split(b"; ")))
        if name == b"set-cookie":
            return self._set_cookie(value)
        if name in secret_names or name in ALWAYS or self.names.is_secret(name.decode("latin-1")):
            return self.named(value)
        return self.text(value)

    def _cookie(self, pair: bytes) -> bytes:
        name, equals, value = pair.partition(b"=")
        return b"%b=%b" % (name, self.named(value)) if equals else self.named(pair)

    def _set_cookie(self, value: bytes) -> bytes:
        pair, semicolon, attributes = value.partition(b";")
        return self._cookie(pair.strip()) + semicolon + attributes

    def target(self, target: bytes) -> bytes:
        """A request's target as it may be kept."""
        path, question, query = target.partition(b"?")
        kept = self.text(path)
        return b"%b?%b" % (kept, self.pairs(query)) if question else kept

    def pairs(self, query: bytes) -> bytes:
        """A query or a form, `a=1&b=2`."""
        return re.sub(rb"([^&;=]*)(=?)([^&;]*)", self._pair, query)

    def _pair(self, found: re.Match[bytes]) -> bytes:
        name, equals, value = found.groups()
        plain = unquote_to_bytes(value.replace(b"+", b" "))
        if equals and self.names.is_secret(unquote_to_bytes(name).decode("utf-8", "replace")):
            return b"%b=%b" % (name, self.named(plain))
        # What is in it may be written with escapes, and be a URL or JSON with secrets of its own.
        shown = self.text(found[0])
        if self.text(plain) != plain and shown == found[0]:
            return b"%b=%b" % (self.text(name), self.digest(plain)) if equals else self.digest(name)
        return shown

    def text(self, data: bytes) -> bytes:
        """Text of any kind: secrets by shape, those known, and what stands beside their names."""
        if len(data) < 4:
            return data
        if SIGN.search(data):
            data = SECRET.sub(self._shaped, data)
        if self.names.may_be_in(data):
            data = ELEMENT.sub(self._element, self._beside_names(data))
        return self._without_known(data)

    def is_clean(self, data: bytes) -> bool:
        """Whether nothing in it can be a secret. Quick; False when in doubt."""
        key = hash(data)
        if key in self._clean:
            return True
        if (
            b"\\u" in data
            or (SIGN.search(data) and SECRET.search(data))
            or self.names.may_be_in(data)
            or self._has_known(data)
        ):
            return False
        if len(self._clean) >= CLEAN_AT_MOST:
            self._clean.clear()
        self._clean.add(key)
        return True

    def _shaped(self, found: re.Match[bytes]) -> bytes:
        at = found.lastindex or 0
        before = found[0][: found.start(at) - found.start()]
        return before + self.named(found[at])

    def _beside_names(self, data: bytes) -> bytes:
        """What is no secret may have further names in it, as a URL has: it is looked into."""
        kept, at = [], 0
        while found := PAIR.search(data, at):
            kept.append(data[at : found.end()])
            at = found.end()
            value = VALUE.match(data, at) if self._is_secret(found[1]) else None
            if value is not None and not value[0].startswith(_DONE):
                kept.append(self.named(value[0]))
                at = value.end()
        return b"".join(kept) + data[at:] if at else data

    def _is_secret(self, name: bytes) -> bool:
        return self.names.is_secret(name.decode("latin-1"))

    def _element(self, found: re.Match[bytes]) -> bytes:
        name, value = found.groups()
        if value.startswith(_DONE) or not self._is_secret(name):
            return found[0]
        return found[0][: -len(value)] + self.named(value)

    def _has_known(self, data: bytes) -> bool:
        known = self._known
        return bool(known) and any(hash(word) in known for word in WORD.findall(data))

    def _without_known(self, data: bytes) -> bytes:
        if not self._has_known(data):
            return data
        known = self._known
        return WORD.sub(
            lambda found: self.digest(found[0]) if hash(found[0]) in known else found[0], data
        )

    def __repr__(self) -> str:
        return f"<Redactor [{len(self._known)} known]>"
