"""Session of a client and a server: what they agreed on, to be agreed on again if need be.

Servers of the protocols up to 2025-11-25 remember a session, and forget it when they restart. The
bridge then begins another one as the client did, and repeats what the client had set in it.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from authproxy.mcp.messages import INITIALIZE, Message, with_id, write_message

_CHANGES = ("tools", "prompts", "resources")


class Session:
    """Session of one client."""

    def __init__(self) -> None:
        self.number = 0
        """Grows with each that begins."""
        self.version = ""
        """Of the protocol, as the server has answered; empty before that."""
        self._begun: Message | None = None
        self._capabilities: Mapping[str, Any] = {}
        self._set: dict[str, Message] = {}

    @property
    def has_begun(self) -> bool:
        return self._begun is not None

    def begin(self, message: Message, answer: Message) -> None:
        """The server has answered `initialize`."""
        result = answer.parts[0].get("result")
        if not isinstance(result, dict):
            return
        self.number += 1
        self._begun = message
        self._set.clear()
        self._agree(result)

    def begin_again(self, answer: Message) -> None:
        """The same with another instance of the server."""
        result = answer.parts[0].get("result")
        self.number += 1
        self._agree(result if isinstance(result, dict) else {})

    def note(self, message: Message) -> None:
        """The server has done what `message` asked for. What lasts is to be repeated."""
        about = json.dumps(message.params.get("uri"))
        if message.method == "logging/setLevel":
            self._set["level"] = message
        elif message.method == "resources/subscribe":
            self._set[about] = message
        elif message.method == "resources/unsubscribe":
            self._set.pop(about, None)

    def again(self, request_id: str) -> Message | None:
        """The client's own `initialize`, by another id; None if there was none."""
        return None if self._begun is None else with_id(self._begun, request_id)

    @property
    def repeated(self) -> tuple[Message, ...]:
        """What the client has set and a new session does not know of."""
        return tuple(self._set.values())

    @property
    def changes(self) -> Iterator[Message]:
        """What to tell the client: a server that restarted may have other tools than before."""
        for name in _CHANGES:
            capability = self._capabilities.get(name)
            if isinstance(capability, dict) and capability.get("listChanged"):
                yield write_message(method=f"notifications/{name}/list_changed")

    def fields(self, message: Message) -> dict[str, str]:
        """For a message of this session."""
        if message.method == INITIALIZE or not self.version:
            return {}
        return {"MCP-Protocol-Version": self.version}

    def _agree(self, result: Mapping[str, Any]) -> None:
        self.version = str(result.get("protocolVersion", ""))
        capabilities = result.get("capabilities")
        self._capabilities = capabilities if isinstance(capabilities, dict) else {}

    def __repr__(self) -> str:
        return f"<Session {self.number} [{self.version or 'none'}]>"
