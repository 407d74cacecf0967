"""The page for a browser that has no key yet: where to get it, and a field for it; and tickets for
browsers that a program of this user starts.

The page is all in one answer, since nothing else is given out without a key. A form that sends the
key by GET does what the printed address does: the answer is a cookie and the address without the
key.
"""

import base64
import hashlib
import time

from aiohttp import hdrs, web

from authproxy.admin.admin_key import AdminKey
from authproxy.admin.views import View, as_json

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 12vh auto; padding: 0 20px; }
input, button { font: inherit; padding: 6px 12px; }
input { width: 100%; box-sizing: border-box; margin: 4px 0 12px; }
"""
_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>authproxy: the key, please</title>
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>authproxy</h1>
<p>This page needs the admin key. Open the address that authproxy printed in its terminal, or paste
the key: what follows <code>key=</code> there, or what <code>admin_key</code> names.</p>
<p>After a restart the key is another one, unless it was chosen.</p>
<form method="get" action="/">
<label for="key">Key</label>
<input id="key" name="key" type="password" autocomplete="off" required autofocus>
<button>Open</button>
</form>
</main>
</body>
</html>
"""
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src data:; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)


def wants_page(request: web.Request) -> bool:
    """Whether a person opens the page of this listener."""
    is_page = request.method == "GET" and request.path == "/"
    return is_page and "text/html" in request.headers.get(hdrs.ACCEPT, "")


def key_page(status: int, wrong: str = "") -> web.Response:
    """The form, with what was wrong: our own words, not the client's."""
    text = _PAGE.replace("<form", f"<p><strong>{wrong}</strong></p>\n<form") if wrong else _PAGE
    answer = web.Response(text=text, status=status, content_type="text/html")
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


def ticket_views(key: AdminKey) -> list[View]:
    """`POST /api/ticket`, for this machine and a key, as all that acts. A browser's arguments can
    be read by all users of a machine, so what stands in them must not be the key."""

    async def make(_request: web.Request) -> web.Response:
        return as_json({"ticket": key.make_ticket(time.monotonic()).reveal()})

    return [View(path="/api/ticket", handler=make, method="POST")]
