"""Failures in place of an answer, as errors that an MCP client shows to people.

Clients show an error's message and nothing else, so the advice is in it. What authproxy says of a
refusal, its own or Google's, is taken as it is.
"""

import json
from collections.abc import Mapping
from typing import Any

from authproxy.errors import Code, ConfigError, StartError, join_sentences
from authproxy.mcp.messages import FAILED, METHOD_NOT_FOUND, read_message

SHOWN = 300
"""Characters of a page that are worth repeating."""

ERROR = "X-Authproxy-Error"
HINT = "X-Authproxy-Hint"

Fields = Mapping[str, str]


class Failed(Exception):  # noqa: N818 -- reads as what happened
    """There will be no answer; `error` is to be the response's."""

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        code: str = "",
        error: Mapping[str, Any] | None = None,
        may_be_older: bool = False,
    ) -> None:
        """`code`: authproxy's, where it was authproxy that refused; `error`: the server's own.

        `may_be_older`: a server of the transport of 2024 would have said the same.
        """
        text = str(error.get("message", "")) if error else join_sentences(message, hint)
        super().__init__(text)
        data = {"authproxy": code} if code else {}
        self.error = error or {"code": FAILED, "message": text, **({"data": data} if data else {})}
        self.may_be_older = may_be_older


class Broken(Failed):
    """The server may have seen the request, and the answer to it is lost."""


class SessionLost(Failed):
    """The server does not know the session any more, and has done nothing."""


def lost_answer(what: str) -> Broken:
    return Broken(
        f"{what}, and the answer to this request is lost",
        "The server may have done what was asked for; look before you ask again.",
    )


def explain(
    status: int, fields: Fields, body: bytes, *, address: str, in_session: bool = False
) -> Failed:
    """What an answer that is none says.

    `address`: the server's; `in_session`: the request named a session.
    """
    code = fields.get(ERROR, "")
    if code:
        return _by_authproxy(code, body, fields)
    hint = fields.get(HINT, "")
    if hint:
        return Failed(f"Google refused the request to {address} with {status}", hint)
    error = _error_in(body)
    if status == 404 and in_session and (error or {}).get("code") != METHOD_NOT_FOUND:
        return SessionLost(f"The MCP session at {address} has ended")
    if status == 400 and in_session and "session" in str((error or {}).get("message", "")).lower():
        # Servers built on the TypeScript SDK's example say it this way.
        return SessionLost(f"The MCP session at {address} has ended")
    may_be_older = status in (400, 404, 405)  # as the specification of 2025-03-26 has it
    if error is not None:
        return Failed("", error=error, may_be_older=may_be_older)
    return Failed(*_sentence(status, fields, body, address), may_be_older=may_be_older)


def by_configuration(error: Exception) -> Failed:
    """authproxy cannot begin."""
    if isinstance(error, ConfigError):
        problems = "; ".join(str(problem) for problem in error.problems)
        return Failed(
            f"authproxy cannot start: {problems}",
            "After a change to how the client starts it, have the client start it again.",
        )
    hint = error.hint if isinstance(error, StartError) else ""
    return Failed(f"authproxy cannot start: {error}", hint)


def not_mcp(address: str, content_type: str, body: bytes) -> Failed:
    """An answer that is fine, but no message."""
    said = f": {_excerpt(body)}" if body else ""
    return Failed(
        f"{address} does not answer as an MCP server, but with {content_type or 'nothing'}{said}",
        "Is the path right? Most servers have it at /mcp.",
    )


def _by_authproxy(code: str, body: bytes, fields: Fields) -> Failed:
    """In JSON-RPC, or as it answers everybody."""
    kind = Broken if code == Code.UPSTREAM_BROKE else Failed
    error = _error_in(body)
    if error is not None:
        return kind("", code=code, error=error)
    try:
        said = json.loads(body)
        message, hint = str(said["message"]), str(said["hint"])
    except (ValueError, KeyError, TypeError):
        message, hint = f"authproxy refused the request: {code}", ""
    hint = hint or fields.get(HINT, "")
    return kind(message, hint, code=code)


def _error_in(body: bytes) -> Mapping[str, Any] | None:
    try:
        error = read_message(body).parts[0].get("error")
    except ValueError:
        return None
    return error if isinstance(error, dict) and "code" in error else None


def _sentence(status: int, fields: Fields, body: bytes, address: str) -> tuple[str, str]:
    if 300 <= status < 400:
        where = fields.get("Location", "nowhere").partition("?")[0]
        return (
            f"{address} redirects with {status} to {where}, where no MCP server can be expected",
            "Is that a page to sign in? The service may be behind a sign-in of its own.",
        )
    if status == 401:
        return (
            f"The MCP server at {address} asks for a sign-in of its own (401)",
            "authproxy signs in at Google only.",
        )
    if status in (404, 405):
        return (
            f"There is no MCP server at {address} ({status})",
            "Is the path right? Most servers have it at /mcp.",
        )
    said = f": {_excerpt(body)}" if body.strip() else ""
    return f"{address} answered with {status}{said}", ""


def _excerpt(body: bytes) -> str:
    text = " ".join(body.decode("utf-8", "replace").split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
