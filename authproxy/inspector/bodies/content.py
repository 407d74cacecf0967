"""Choice of a keeper for a body, by its type; and bodies that are kept as a whole.

A body is looked at when it is complete, or as much of it as fits: only then can what is secret in
it be found for certain. What cannot be read for certain is described, not kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol

from authproxy.exchange import Field
from authproxy.inspector.bodies.encodings import Unreadable, decoded
from authproxy.inspector.redaction.redactor import Redactor
from authproxy.inspector.redaction.structured import redact_json

OVERHEAD = 600
"""Bytes that the objects around a body take."""
IMAGES = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
    "image/avif": b"",
    "image/bmp": b"BM",
    "image/x-icon": b"\0\0\1\0",
    "image/vnd.microsoft.icon": b"\0\0\1\0",
}
"""Types of images that can be shown, each with its first bytes."""
TEXTS = ("xml", "javascript", "ecmascript", "yaml", "graphql", "toml", "sql", "html", "css")

Form = Literal["json", "text", "form", "image", "events", "grpc", "websocket", "none"]


class BodyKeeper(Protocol):
    """Keeper of the content in one direction."""

    held: int
    """Bytes of memory that it takes by now."""

    def feed(self, data: bytes) -> None:
        """More of it came."""

    def finish(self) -> None:
        """Nothing more comes. Never called twice."""

    def shown(self) -> dict[str, object]:
        """For JSON; docs/inspector-api.md has the shapes."""


@dataclass(frozen=True, slots=True)
class BodyType:
    """Type and encoding of content, as its head says."""

    form: Form
    media_type: str
    encoding: str
    why: str = ""
    """Nothing of it is kept, for this reason."""


def nature_of(headers: Sequence[Field]) -> BodyType:
    """By Content-Type and Content-Encoding."""
    media_type = encoding = b""
    for name, value, _ in headers:
        if name == b"content-type":
            media_type = value
        elif name == b"content-encoding":
            encoding = value
    return _nature(media_type[:200], encoding[:100])


@lru_cache(256)
def _nature(content_type: bytes, encoding: bytes) -> BodyType:
    media_type, _, parameters = content_type.decode("latin-1").lower().partition(";")
    media_type = media_type.strip()
    form, why = _form(media_type), ""
    if form == "none":
        why = f"content of type {media_type[:100] or 'unknown'} is not searched for secrets"
    elif "charset" in parameters and not _is_utf8(parameters):
        form, why = "none", "its charset is not searched for secrets"
    return BodyType(form, media_type[:100], encoding.decode("latin-1").strip().lower(), why)


def _is_utf8(parameters: str) -> bool:
    """Or near enough to it: ASCII is the same in all of these."""
    charset = parameters.partition("charset")[2].strip(" =\"'")
    return charset.startswith(("utf-8", "utf8", "us-ascii", "ascii", "iso-8859-", "windows-125"))


def _form(media_type: str) -> Form:
    """The form in which content of this type is kept."""
    kind, _, subtype = media_type.partition("/")
    if media_type == "text/event-stream":
        return "events"
    if media_type.startswith("application/grpc"):
        return "grpc"
    if media_type in IMAGES:
        return "image"
    if subtype == "x-www-form-urlencoded":
        return "form"
    if "json" in subtype or media_type == "application/csp-report":
        return "json"
    is_text = kind == "text" or any(word in subtype for word in TEXTS)
    return "text" if is_text else "none"


class DescribedBody:
    """Nothing is kept but how much it was, and why."""

    def __init__(self, nature: BodyType) -> None:
        self._nature = nature
        self._size = 0
        self.held = OVERHEAD

    def feed(self, data: bytes) -> None:
        self._size += len(data)

    def finish(self) -> None:
        pass

    def shown(self) -> dict[str, object]:
        return {
            "form": "none",
            "type": self._nature.media_type,
            "size": self._size,
            "omitted": self._nature.why,
        }


class WholeBody:
    """Kept until it is complete, then without what is secret in it."""

    # One or two are made for every exchange, so the defaults stand on the class and cost nothing.
    _raw: bytes | bytearray = b""
    _size = 0
    _why = ""
    _is_whole = _is_done = False
    _is_unchanged = True
    content = b""
    """Without secrets, once it is complete."""
    held = OVERHEAD

    def __init__(self, nature: BodyType, redactor: Redactor, at_most: int) -> None:
        self._nature = nature
        self._redactor = redactor
        self._at_most = at_most

    @property
    def can_be_sent(self) -> bool:
        """Whether it is kept as it was, but for its encoding."""
        return self._is_done and self._is_whole and self._is_unchanged and not self._why

    def feed(self, data: bytes) -> None:
        self._size += len(data)
        room = self._at_most - len(self._raw)
        if room <= 0:
            return
        if not self._raw:
            self._raw = data[:room]  # most come in one piece
            self.held = OVERHEAD + len(self._raw)
            return
        if not isinstance(self._raw, bytearray):
            self._raw = bytearray(self._raw)
        self._raw += data[:room]
        # A bytearray grows by an eighth more than it needs.
        self.held = OVERHEAD + len(self._raw) * 9 // 8

    def finish(self) -> None:
        raw, self._raw = bytes(self._raw), b""
        self._is_done = True
        if raw:
            self._is_whole = self._size == len(raw)
            try:
                self.content = self._kept(raw)
            except Unreadable as error:
                self._why = str(error)
        self.held = OVERHEAD + len(self.content)

    def _kept(self, raw: bytes) -> bytes:
        """Raises Unreadable."""
        content = raw
        if self._nature.encoding:
            content, is_all = decoded(raw, self._nature.encoding, self._at_most)
            self._is_whole = self._is_whole and is_all
        kept = self._redacted(content)
        self._is_unchanged = kept == content
        return kept

    def _redacted(self, content: bytes) -> bytes:
        """Raises Unreadable."""
        form = self._nature.form
        if form == "image":
            return self._image(content)
        if b"\0" in content[:4096]:
            raise Unreadable("it is not the text that its type promises")
        if not self._is_whole:
            content = without_last_word(content)
        elif form != "form" and self._redactor.is_clean(content):
            return content
        if form == "json":
            return redact_json(self._redactor, content)
        if form == "form":
            return self._redactor.pairs(content)
        if content.lstrip()[:1] in (b"{", b"["):
            return redact_json(self._redactor, content)
        return self._redactor.text(content)

    def _image(self, content: bytes) -> bytes:
        """Raises Unreadable for what is none, or has text with secrets in it."""
        if not content.startswith(IMAGES[self._nature.media_type]):
            raise Unreadable("it is not the image that its type promises")
        if self._redactor.text(content) != content:
            raise Unreadable("the image has a secret in it")
        return content

    def shown(self) -> dict[str, object]:
        found: dict[str, object] = {
            "form": self._nature.form,
            "type": self._nature.media_type,
            "encoding": self._nature.encoding,
            "size": self._size,
            "complete": self._is_done,
            "truncated": self._is_done and not self._is_whole and self._size > 0,
        }
        if self._why:
            return found | {"omitted": self._why}
        if not self._is_done:
            return found | {"omitted": "it is kept once it is complete"}
        found |= {"kept": len(self.content), "redacted": not self._is_unchanged}
        if self._nature.form == "image":
            return found
        return found | {"text": self.content.decode("utf-8", "replace")}


def without_last_word(content: bytes) -> bytes:
    """A text that was cut off, without the word in which that happened: it may be half a secret."""
    end = len(content)
    while end and (content[end - 1 : end].isalnum() or content[end - 1 : end] in b"-_.~+/=%\\"):
        end -= 1
    return content[:end]
