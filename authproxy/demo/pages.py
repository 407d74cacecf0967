"""The error pages of Cloud Run's front end, byte for byte as recorded from real services."""

import html
from collections.abc import Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = "text/html; charset=UTF-8"

# There is no comma between the two parameters: that is how the real front end writes it.
INVALID_TOKEN = (
    'Bearer error="invalid_token" error_description="The access token could not be verified"'
)

_FRAME = """
<html><head>
<meta http-equiv="content-type" content="text/html;charset=utf-8">
<title>{title}</title>
</head>
<body text=#000000 bgcolor=#ffffff>
<h1>Error: {heading}</h1>
<h2>{sentence}</h2>
<h2></h2>
</body></html>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer that the front end makes by itself."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


def forbidden(path: str) -> Page:
    """No token, or the caller may not invoke the service."""
    sentence = (
        f"Your client does not have permission to get URL <code>{html.escape(path)}</code> from"
        " this server."
    )
    return Page(status=403, body=_body("403 Forbidden", "Forbidden", sentence))


def unauthorized(path: str) -> Page:
    """A token that cannot be believed. Expired and wrong audience look alike."""
    sentence = (
        "Your client does not have permission to the requested URL"
        f" <code>{html.escape(path)}</code>."
    )
    body = _body("401 Unauthorized", "Unauthorized", sentence)
    return Page(status=401, body=body, headers={"WWW-Authenticate": INVALID_TOKEN})


def not_found() -> Page:
    """No such service, or it may not be reached this way. 272 bytes."""
    sentence = "The requested URL was not found on this server."
    return Page(status=404, body=_body("404 Page not found", "Page not found", sentence))


def too_large() -> Page:
    """More than 32 MiB over HTTP/1."""
    sentence = "Your client issued a request that was too large."
    title = "Request Entity Too Large"
    return Page(status=413, body=_body(f"413 {title}", title, sentence))


def no_instance(status: int) -> Page:
    """429 when the maximum of instances is reached, 500 or 503 when none could be started.

    The text of 429 is weakly attested; the bodies of the others are not known.
    """
    if status == 429:
        return Page(status=429, body="Rate exceeded.")
    sentence = "The server encountered an error and could not complete your request."
    return Page(status=status, body=_body(f"{status} Server Error", "Server Error", sentence))


def _body(title: str, heading: str, sentence: str) -> str:
    return _FRAME.format(title=title, heading=heading, sentence=sentence)
