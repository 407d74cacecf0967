"""The answers that authproxy makes by itself: what went wrong, and what to do about it.

Every one carries `X-Authproxy-Error`, so that it is never taken for the service's. The form follows
the request's Accept: a small page for browsers, JSON for programs that ask for it, text for curl.
"""

import html
import json
from http import HTTPStatus

from authproxy.errors import AuthProxyError, StartPage
from authproxy.exchange import RequestHead

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{status} {phrase}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}}
small{{color:#666}}</style></head>
<body><h1>{status} {phrase}</h1><p>{message}</p><p>{hint}</p>{links}
<p><small>authproxy: {code}, request {request_id}</small></p></body></html>
"""


def render(
    error: AuthProxyError, head: RequestHead, request_id: str, *, connection: bytes
) -> bytes:
    """The whole answer. `connection`: the finished Connection lines, or none."""
    accept = next((value for lower, value, _ in head.headers if lower == b"accept"), b"")
    content_type, text = _body(error, accept.lower(), request_id)
    body = text.encode()
    lines = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}"]
    if error.status == 204:
        body = b""  # RFC 9110 15.3.5
    else:
        lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    lines += [f"X-Authproxy-Error: {error.code}", "Cache-Control: no-store"]
    lines += [f"{name}: {value}" for name, value in error.fields.items()]
    head_bytes = "\r\n".join(lines).encode("latin-1") + b"\r\n" + connection + b"\r\n"
    return head_bytes if head.method == b"HEAD" else head_bytes + body


def _link(name: str, address: str) -> str:
    return f'<a href="{html.escape(address)}">{html.escape(name)}</a>'


def _body(error: AuthProxyError, accept: bytes, request_id: str) -> tuple[str, str]:
    links = error.links if isinstance(error, StartPage) else ()
    if b"text/html" in accept:
        page = _PAGE.format(
            status=error.status,
            phrase=HTTPStatus(error.status).phrase,
            message=html.escape(error.message),
            hint=html.escape(error.hint),
            links="".join(f"<p>{_link(*link)}</p>" for link in links),
            code=error.code,
            request_id=request_id,
        )
        return "text/html; charset=utf-8", page
    if b"json" in accept:
        fields: dict[str, object] = {
            "error": str(error.code),
            "message": error.message,
            "hint": error.hint,
            "request_id": request_id,
        }
        if links:
            fields["services"] = dict(links)
        return "application/json", json.dumps(fields) + "\n"
    hint = f"{error.hint}\n" if error.hint else ""
    hint += "".join(f"{name}: {address}\n" for name, address in links)
    text = f"{error.message}\n{hint}(authproxy: {error.code}, request {request_id})\n"
    return "text/plain; charset=utf-8", text
