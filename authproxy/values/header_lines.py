"""Headers that every request to a service gets, or must not have."""

import re

from authproxy.values.wording import quoted

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # RFC 9110 5.6.2
_SECRETIVE = re.compile("authorization|secret|api-?key|password|credential", re.IGNORECASE)
_TOKEN = re.compile("token", re.IGNORECASE)
_NO_TOKENS = frozenset(
    ["", "no-check", "nocheck", "none", "true", "false", "on", "off", "enabled", "disabled"]
)
"""What a header with `token` in its name may say, as in `X-Atlassian-Token: no-check`."""

_WRITTEN = "authproxy writes it itself, for its own connection to the service"
_FRAMING = "it says where the body of each request ends"
_BODY = "it says what the body of each request is, which only its client knows"
_CLIENT = "authproxy writes it itself, from what it knows of each client"
_HANDSHAKE = "it belongs to the handshake of a WebSocket, which its client makes"
_WHY_NOT = {
    "host": "it is the address in url",
    "connection": _WRITTEN,
    "keep-alive": _WRITTEN,
    "proxy-connection": _WRITTEN,
    "http2-settings": _WRITTEN,
    "te": _WRITTEN,
    "upgrade": _WRITTEN,
    "content-length": _FRAMING,
    "transfer-encoding": _FRAMING,
    "trailer": _FRAMING,
    "content-encoding": _BODY,
    "content-type": _BODY,
    "expect": "the service would be asked for an answer that the client does not wait for",
    "forwarded": _CLIENT,
    "x-forwarded-for": _CLIENT,
    "x-forwarded-host": "authproxy writes it itself; see forwarded_host",
    "x-forwarded-proto": "authproxy writes it itself; see forwarded_host",
    "x-forwarded-prefix": "authproxy writes it itself; see strip_path",
    "cookie": "it would replace all cookies of the client",
    "proxy-authorization": "it is for a proxy; the one on the way out has its own in egress_proxy",
    "sec-websocket-accept": _HANDSHAKE,
    "sec-websocket-extensions": _HANDSHAKE,
    "sec-websocket-key": _HANDSHAKE,
    "sec-websocket-version": _HANDSHAKE,
}
_REMOVABLE = frozenset(["cookie", "expect", "forwarded", "content-type", "proxy-authorization"])
"""What cannot be set, but can be left out."""


def parse_header_line(text: str) -> tuple[str, str]:
    """`Name: value`, a field for every request (RFC 9110 5); never a secret."""
    name, colon, value = (part.strip() for part in text.partition(":"))
    if not colon or not _NAME.fullmatch(name):
        raise ValueError('this is not a header; write it as in "X-Environment: test"')
    why_not = _WHY_NOT.get(_plain(name))
    if why_not is not None:
        raise ValueError(f"{name} cannot be set: {why_not}")
    if _SECRETIVE.search(name) or (_TOKEN.search(name) and value.lower() not in _NO_TOKENS):
        raise ValueError(
            f"{name} looks like a secret, which must not be written here; write"
            f' secret_headers = ["{name}: env:NAME"]'
        )
    if not (value.isascii() and value.isprintable()):
        raise ValueError(f"the value of {name} is not printable ASCII")
    return name, value


def parse_removed_header(text: str) -> str:
    """The name of a header of clients that does not reach the service."""
    if not _NAME.fullmatch(text) or "*" in text:
        by_itself = ": each by itself, without *" if "*" in text else ""
        raise ValueError(f"this is not the name of a header; write it as in X-Debug{by_itself}")
    name = _plain(text)
    if name in _WHY_NOT and name not in _REMOVABLE:
        raise ValueError(f"{text} cannot be removed: {_WHY_NOT[name]}")
    return text


def _plain(name: str) -> str:
    """CGI and WSGI applications take `_` for `-`."""
    return name.lower().replace("_", "-")


def parse_secret_name(text: str) -> str:
    """The name of a field, parameter or member that holds a secret, for the inspector."""
    if not text.isprintable() or not 1 <= len(text) <= 100:
        raise ValueError(f"{quoted(text)} is no name; write one as in X-Customer or iban")
    return text
