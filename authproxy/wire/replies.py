"""The answers that authproxy makes by itself: what went wrong, and what to do about it.

Every one carries `X-Authproxy-Error`, so that it is never taken for the service's; those that are
no errors (2xx: the list of services, health, preflights) carry `X-Authproxy-Answer` in its place.
The form follows the request's Accept: a small page for browsers, JSON for programs that ask for it,
text for curl.
Calls of gRPC and Connect get theirs as their protocol has it (`authproxy.wire.rpc_replies`), those
of MCP too (`authproxy.wire.mcp_replies`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from authproxy.errors import AuthProxyError, Code, StartPage
from authproxy.exchange import RequestHead
from authproxy.policy.messages.rpc import Rpc, find_rpc
from authproxy.values.wording import html_text
from authproxy.wire import mcp_replies
from authproxy.wire.mcp_replies import Telling
from authproxy.wire.rpc_replies import status_and_body

# Fatal, handshake_failure (RFC 8446 6): a client gives up at once, and says that it was TLS.
_TLS_ALERT = b"\x15\x03\x01\x00\x02\x02\x28"
# The icon is for browsers not to ask the service for one, in the user's name.
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<link rel="icon" href="data:,">
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}}
small{{color:#666}}</style></head>
<body><h1>{title}</h1><p>{message}</p><p>{hint}</p>{links}
<p><small>authproxy: {code}, request {request_id}</small></p></body></html>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer of our own, before it is written as one version of HTTP wants it."""

    status: int
    lines: Sequence[tuple[str, str]]
    """Its fields, but those of the connection."""
    body: bytes


def answer(
    error: AuthProxyError, head: RequestHead, request_id: str, telling: Telling | None = None
) -> Answer:
    """What `error` is to whoever sent `head`; `telling`: how MCP clients are to hear of it."""
    mark = "X-Authproxy-Error" if error.status >= 400 else "X-Authproxy-Answer"
    lines = [(mark, str(error.code)), ("Cache-Control", "no-store")]
    lines += error.fields.items() if telling is None else mcp_replies.fields_of(error)
    if error.status == 204:
        return Answer(status=204, lines=lines, body=b"")  # RFC 9110 15.3.5
    rpc = find_rpc(head) if error.status >= 300 else None
    if error.code is Code.ANOTHER_SERVICE and rpc is not Rpc.GRPC:
        rpc = None  # 421 has browsers open another connection, before any library hears of it
    if rpc is not None:
        status, ahead, body = status_and_body(error, rpc, head, request_id)
    elif telling is not None:
        status, body = mcp_replies.status_and_body(error, telling, request_id)
        ahead = [("Content-Type", "application/json")]
    else:
        content_type, text = _body(error, _accept(head), request_id)
        status, ahead, body = error.status, [("Content-Type", content_type)], text.encode()
    length = ("Content-Length", str(len(body)))
    return Answer(
        status=status,
        lines=[*ahead, length, *lines],
        body=b"" if head.method == b"HEAD" else body,
    )


def render(
    error: AuthProxyError,
    head: RequestHead,
    request_id: str,
    *,
    connection: bytes,
    telling: Telling | None = None,
) -> tuple[bytes, int]:
    """The whole answer of HTTP/1.1, and how many bytes of it are its body.

    `connection`: the finished Connection lines, or none; `telling` as in `answer`.
    """
    if error.code is Code.TLS_UNEXPECTED:
        return _TLS_ALERT, 0
    made = answer(error, head, request_id, telling)
    lines = [f"HTTP/1.1 {_status(made.status)}"]
    lines += [f"{name}: {value}" for name, value in made.lines]
    head_lines = "\r\n".join(lines).encode("latin-1") + b"\r\n" + connection
    return head_lines + b"\r\n" + made.body, len(made.body)


def _title(error: AuthProxyError) -> str:
    if isinstance(error, StartPage):
        return "Services behind this authproxy"
    return _status(error.status)


def _status(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}"


def _accept(head: RequestHead) -> bytes:
    return next((value for lower, value, _ in head.headers if lower == b"accept"), b"").lower()


def _link(name: str, address: str) -> str:
    return f'<a href="{html_text(address)}">{html_text(name)}</a>'


def _body(error: AuthProxyError, accept: bytes, request_id: str) -> tuple[str, str]:
    links = error.links if isinstance(error, StartPage) else ()
    if b"text/html" in accept:
        page = _PAGE.format(
            title=_title(error),
            message=html_text(error.message),
            hint=html_text(error.hint),
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
