"""The header fields that say what is in a message, as MCP over HTTP has them since 2026-07-28.

`Mcp-Method` and `Mcp-Name` repeat the method and what it is about; arguments of a tool that its
schema marks with `x-mcp-header` are repeated as `Mcp-Param-…`. A server compares all of them with
the message. By stdio there are no such fields, so the bridge writes them.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

from authproxy.mcp.messages import Message

_NAME_IN = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_PLAIN = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?|")
_ENCODED = re.compile(r"=\?base64\?.*\?=")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_MARK = "x-mcp-header"

Path = tuple[str, ...]


class Stamps:
    """Remembers which arguments of which tool are to be repeated, by the lists that went by."""

    def __init__(self) -> None:
        self._marked: dict[str, Mapping[Path, str]] = {}

    def note_tools(self, message: Message) -> None:
        """Look at an answer to `tools/list`."""
        result = message.parts[0].get("result")
        tools = result.get("tools") if isinstance(result, dict) else None
        for tool in tools if isinstance(tools, list) else ():
            if isinstance(tool, dict) and isinstance(tool.get("name"), str):
                self._marked[tool["name"]] = dict(_marked(tool.get("inputSchema")))

    def fields(self, message: Message) -> dict[str, str]:
        """For a message that names its protocol."""
        fields = {"MCP-Protocol-Version": message.version, "Mcp-Method": message.method}
        name = message.params.get(_NAME_IN.get(message.method, ""))
        if isinstance(name, str):
            fields["Mcp-Name"] = encode(name)
        if message.method == "tools/call":
            arguments = message.params.get("arguments")
            for path, token in self._marked.get(str(name), {}).items():
                text = _text(_value_at(arguments, path))
                if text is not None:
                    fields[f"Mcp-Param-{token}"] = encode(text)
        return fields

    def __repr__(self) -> str:
        return f"<Stamps [{len(self._marked)} tools]>"


def encode(text: str) -> str:
    """As it is, or in Base64 where a header field could not hold it."""
    if _PLAIN.fullmatch(text) and not _ENCODED.fullmatch(text):
        return text
    return f"=?base64?{base64.b64encode(text.encode('utf-8', 'surrogatepass')).decode()}?="


def _marked(schema: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """The properties that are marked, by the names that lead there; only `properties` lead on."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        token = inner.get(_MARK) if isinstance(inner, dict) else None
        if isinstance(token, str) and _TOKEN.fullmatch(token):
            yield (*path, name), token
        if len(path) < 32:  # deeper ones are made to exhaust whoever follows them
            yield from _marked(inner, (*path, name))


def _value_at(arguments: object, path: Path) -> object:
    for name in path:
        arguments = arguments.get(name) if isinstance(arguments, dict) else None
    return arguments


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None
