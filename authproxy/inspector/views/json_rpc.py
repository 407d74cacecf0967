"""JSON-RPC calls, as MCP has them, paired with their answers."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

MOST = 200


def pairs(asked: Iterable[str], answered: Iterable[str]) -> list[dict[str, object]]:
    """Each call with its result or its error, from texts of JSON. Also notifications, and what the
    service asked by itself."""
    calls: dict[object, dict[str, object]] = {}
    found: list[dict[str, object]] = []
    for message in _messages(asked):
        if "method" in message:
            call = {
                "method": message["method"],
                "id": _id(message),
                "params": message.get("params"),
            }
            found.append({"from": "client", **call})
            if "id" in message:
                calls[_id(message)] = found[-1]
    for message in _messages(answered):
        call_of = calls.get(_id(message)) if "method" not in message else None
        if call_of is not None:
            call_of |= {name: message[name] for name in ("result", "error") if name in message}
        elif "method" in message:
            own = {"method": message["method"], "id": _id(message), "params": message.get("params")}
            found.append({"from": "service", **own})
    return found[:MOST]


def _id(message: dict[str, Any]) -> object:
    """As a key: an array would be none."""
    value = message.get("id")
    return value if isinstance(value, str | int | float) else None


def _messages(texts: Iterable[str]) -> Iterator[dict[str, Any]]:
    for text in texts:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            continue
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict) and each.get("jsonrpc") == "2.0":
                yield each
