"""Differences between a head as it came and as it was sent on, with the reasons."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from authproxy.policy.messages.headers import FORWARDED, HINT, HOP_BY_HOP

Change = Literal["kept", "added", "removed", "replaced"]
Pairs = Iterable[tuple[str, str]]
Why = Callable[[str, Change], str]


@dataclass(frozen=True, slots=True)
class Line:
    """One field of a head."""

    name: str
    value: str
    change: Change
    before: str = ""
    """The value that it had, where it was replaced."""
    why: str = ""

    def shown(self) -> dict[str, str]:
        found = {"name": self.name, "value": self.value, "change": self.change}
        if self.change == "replaced":
            found["before"] = self.before
        return found | {"why": self.why} if self.why else found


def compare(came: Pairs, went: Pairs, why: Why = lambda _name, _change: "") -> list[Line]:
    """Each field of either head, in the order of `came`, what was added after that."""
    before, after = _grouped(came), _grouped(went)
    found = []
    for name, olds in before.items():
        found += _compare_one(name, olds, after.pop(name, []), why)
    for name, news in after.items():
        found += _compare_one(name, [], news, why)
    return found


def _grouped(pairs: Pairs) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for name, value in pairs:
        found.setdefault(name.lower(), []).append((name, value))
    return found


def _compare_one(
    name: str, olds: list[tuple[str, str]], news: list[tuple[str, str]], why: Why
) -> list[Line]:
    found = []
    for (_, old), (shown, new) in zip(olds, news, strict=False):
        if old == new:
            found.append(Line(shown, new, "kept"))
        else:
            found.append(Line(shown, new, "replaced", old, why(name, "replaced")))
    for shown, old in olds[len(news) :]:
        found.append(Line(shown, old, "removed", why=why(name, "removed")))
    for shown, new in news[len(olds) :]:
        found.append(Line(shown, new, "added", why=why(name, "added")))
    return found


def why_request(
    secret_names: Collection[bytes], token_name: str, key_header: str, connection: str
) -> Why:
    """Reasons for what was changed of a request; names in lower case."""
    named = {each.strip().lower() for each in connection.split(",")}

    def why(name: str, change: Change) -> str:
        raw = name.encode()
        if name == token_name.lower() or name == "x-serverless-authorization":
            return "token"
        if raw in secret_names:
            return "secret of the configuration"
        if name == key_header:
            return "key for authproxy itself"
        if name in named and raw not in HOP_BY_HOP:
            return "named by Connection"
        if name == "host":
            return "the service's address"
        return _common(raw, change) or ("add_headers" if change != "removed" else "remove_headers")

    return why


def why_answer(name: str, change: Change) -> str:
    """Reasons for what was changed of an answer."""
    raw = name.encode()
    if raw == HINT:
        return "advice of authproxy" if change != "removed" else "only authproxy may say this"
    if raw == b"alt-svc":
        return "it leads past authproxy"
    if name.startswith("x-authproxy-"):
        return "authproxy says so"
    return _common(raw, change)


def _common(name: bytes, change: Change) -> str:
    if name in HOP_BY_HOP or name == b"http2-settings":
        return "hop-by-hop"
    if name in FORWARDED or name.startswith(b"x-forwarded-"):
        return "forwarded"
    if name == b"x-authproxy-hops":
        return "against loops"
    if name == b"content-length":
        return "framing"
    return "address" if change == "replaced" else ""
