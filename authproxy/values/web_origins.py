"""Origins of pages, as browsers and what is made of them say them in `Origin`.

Extensions and desktop applications have schemes of their own: `chrome-extension://ID`,
`moz-extension://UUID`, `tauri://localhost`, `app://NAME`, `vscode-webview://ID`, `file://`.
"""

import re

from authproxy.values.addresses import parse_origin
from authproxy.values.wording import quoted

_OTHER = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9._~%-]*(?::[0-9]{1,5})?", re.I)
_PAGE = re.compile(r"(https?|wss?)://", re.I)
# Their pages say null (HTML 7.1.1, opaque origins).
_OPAQUE = ("about:", "blob:", "data:", "javascript:")
_CHROME = re.compile(r"chrome-extension://(?![a-p]{32}\Z)", re.I)


def parse_web_origin(text: str) -> str:
    """`scheme://host[:port]` in one spelling."""
    text = text.strip()
    if text in ("*", "null"):
        raise ValueError(
            f"{quoted(text)} would let every web page use your identity; name the"
            " origins, as in http://localhost:3000"
        )
    if text.lower().startswith(_OPAQUE):
        raise ValueError(
            f"{quoted(text)} is no origin: many kinds of pages have the origin null, and they"
            " cannot be told apart; serve the page from a web server, and write that origin"
        )
    if "*" in text:
        raise ValueError(
            f"{quoted(text)} has a wildcard; name each origin, as in http://localhost:3000"
        )
    if _PAGE.match(text):
        return _of_server(text)
    origin = text.removesuffix("/") if not text.endswith("://") else text
    if not _OTHER.fullmatch(origin):
        raise ValueError(f"{quoted(text)} is not an origin; write {_guess(text)}")
    if origin.endswith("://") and origin.lower() != "file://":
        raise ValueError(f"{quoted(text)} is not an origin; write what follows as well: {text}NAME")
    if _CHROME.match(origin):
        raise ValueError(
            f"{quoted(text)} is no extension's origin; write chrome-extension:// and the 32 letters"
            " that chrome://extensions shows as its ID"
        )
    return origin.lower()


def _of_server(text: str) -> str:
    scheme, _, rest = text.partition("://")
    origin = f"{scheme.lower().replace('ws', 'http')}://{rest}"
    if not scheme.lower().startswith("http"):
        raise ValueError(
            f"{quoted(text)} is no page's origin, also where the page opens a WebSocket; write"
            f" {origin}"
        )
    if re.search(r"[/?#]", rest.removesuffix("/")):
        raise ValueError(
            f"{quoted(text)} is not an origin; write it without a path, as in"
            f" {scheme}://{re.split('[/?#]', rest)[0] or 'localhost:3000'}"
        )
    return str(parse_origin(text, example="http://localhost:3000"))


def _guess(text: str) -> str:
    if re.fullmatch(r"[a-z0-9.-]+(:[0-9]{1,5})?", text, re.I):
        return f"http://{text}"
    begins = _OTHER.match(text)
    if begins is not None and text[begins.end() :][:1] in ("/", "?", "#"):
        return f"it without a path: {begins[0]}"
    return "scheme, host and port, as in http://localhost:3000"
