"""The answers that authproxy makes by itself, to MCP clients: what each of them shows to people.

- to a request: 200, since of any other status clients show the number at best, or end the session;
- to what is no request, or is not known to be one: the status stays, and the body is an error too;
- to who listens: 503, on which nobody signs in anywhere, nor gives up what goes on beside it;
- to who looks for an OAuth server: there is none here, so 404.
"""

import json
from dataclasses import dataclass

from authproxy.errors import AuthProxyError
from authproxy.policy.mcp.forms import Form
from authproxy.policy.mcp.jsonrpc import RpcBody, write_errors

_CHALLENGE = "www-authenticate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """The way in which one client is to be told."""

    form: Form
    asked: RpcBody
    """Without ids where it is not known which request it is."""


def status_and_body(error: AuthProxyError, telling: Telling, request_id: str) -> tuple[int, bytes]:
    """Of the answer, which is JSON."""
    if telling.form is Form.DISCOVERY:
        return 404, _no_server(error, request_id)
    said = write_errors(error, telling.asked, request_id) + b"\n"
    if telling.form is Form.LISTEN:
        return 503, said
    return 200 if telling.asked.ids else error.status, said


def fields_of(error: AuthProxyError) -> list[tuple[str, str]]:
    """But those that would have a client sign in somewhere."""
    return [(name, value) for name, value in error.fields.items() if name.lower() != _CHALLENGE]


def _no_server(error: AuthProxyError, request_id: str) -> bytes:
    said = {
        "error": str(error.code),
        # What RFC 6749 5.2 calls it, and clients show of it.
        "error_description": error.text,
        "message": error.message,
        "hint": error.hint,
        "request_id": request_id,
    }
    return json.dumps(said).encode() + b"\n"
