"""Two exchanges side by side."""

import contextlib
import difflib
import json
from typing import Any

from authproxy.inspector.recording.record import Record
from authproxy.inspector.views.detail import detail
from authproxy.inspector.views.differences import compare

FACTS = (
    *("method", "target", "host", "service", "protocol", "status", "grpc_status", "code"),
    *("duration_ms", "first_byte_ms", "bytes_from_client", "bytes_to_client", "principal"),
)
MOST_LINES = 2000


def comparison(first: Record, second: Record) -> dict[str, object]:
    """What is the same of both, and what is not."""
    one, two = detail(first), detail(second)
    return {
        "ids": [one["id"], two["id"]],
        "facts": [
            {"name": name, "values": [one[name], two[name]], "same": one[name] == two[name]}
            for name in FACTS
        ],
        "request_headers": _lines(first.request.fields, second.request.fields),
        "answer_headers": _lines(_answer(first), _answer(second)),
        "request_body": _bodies(one["request"], two["request"]),
        "answer_body": _bodies(one["answer"], two["answer"]),
    }


def _lines(one: list[tuple[str, str]], two: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [line.shown() for line in compare(one, two)]


def _answer(record: Record) -> list[tuple[str, str]]:
    if record.answer is None:
        return []
    return (record.answer.came or record.answer.sent).fields


def _bodies(one: Any, two: Any) -> list[str]:
    """Lines of a unified diff; empty when both are the same."""
    before, after = _body_lines(one), _body_lines(two)
    if max(len(before), len(after)) > MOST_LINES:
        return ["the bodies are too long to be compared"] if before != after else []
    return list(difflib.unified_diff(before, after, lineterm="", n=3))[2:]


def _body_lines(message: Any) -> list[str]:
    body = (message or {}).get("body") or {}
    text = body.get("text", "")
    if body.get("form") == "json":
        with contextlib.suppress(ValueError, RecursionError):
            text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    return str(text).split("\n") if text else []
