"""Exchanges as a HAR file, version 1.2, for the tools of browsers; WebSocket messages as Chromium
writes them."""

import base64
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from authproxy import __version__
from authproxy.inspector.bodies.content import BodyKeeper, WholeBody
from authproxy.inspector.recording.record import Facts, Record
from authproxy.inspector.views.detail import sent_s, waterfall
from authproxy.inspector.views.rows import kinds, text

_OPCODES = {"text": 1, "binary": 2, "close": 8, "ping": 9, "pong": 10}
_RESOURCES = (("websocket", "websocket"), ("sse", "eventsource"))
_BY_TYPE = (("text/html", "document"), ("image/", "image"), ("text/css", "stylesheet"))


def har(records: Iterable[Record]) -> dict[str, object]:
    """All of them in one file, in the order they are given in."""
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "authproxy", "version": __version__},
            "pages": [],
            "entries": [entry(record) for record in records],
        }
    }


def entry(record: Record) -> dict[str, object]:
    facts = record.facts
    timings = _timings(waterfall(facts, sent_s(record)))
    found: dict[str, Any] = {
        "startedDateTime": _moment(record.started_at),
        "time": round(sum(value for value in timings.values() if value > 0), 3),
        "request": _request(record, facts),
        "response": _response(record, facts),
        "cache": {},
        "timings": timings,
        "_requestId": record.request_id,
        "_resourceType": _resource(record, facts),
        "_service": facts.service,
        "_principal": facts.principal,
    }
    if facts.code is not None:
        found["comment"] = f"{facts.code}: {facts.detail}"
    content = record.content
    if content is not None and content.sockets is not None:
        shown: Any = content.sockets.shown()["messages"]
        found["_webSocketMessages"] = [_message(each) for each in shown]
    return found


def _message(message: dict[str, Any]) -> dict[str, object]:
    return {
        "type": "send" if message["direction"] == "sent" else "receive",
        "time": message["at"],
        "opcode": _OPCODES[message["kind"]],
        "data": message.get("text", message.get("reason", "")),
    }


def _moment(at: float) -> str:
    found = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return found.replace("+00:00", "Z")


def _request(record: Record, facts: Facts) -> dict[str, object]:
    target = text(record.target)
    scheme = "ws" if "websocket" in kinds(record, facts) else "http"
    url = target if "://" in target else f"{scheme}://{text(facts.host) or 'localhost'}{target}"
    headers = record.request.fields
    found: dict[str, object] = {
        "method": text(record.method),
        "url": url,
        "httpVersion": f"HTTP/{record.version}",
        "cookies": _cookies(headers, "cookie"),
        "headers": _named(headers),
        "queryString": _query(url),
        "headersSize": -1,
        "bodySize": facts.bytes_from_client,
    }
    body = None if record.content is None else record.content.request
    if facts.bytes_from_client and "websocket" not in kinds(record, facts):
        found["postData"] = _post_data(record.request.get(b"content-type"), body)
    return found


def _post_data(media_type: str, body: BodyKeeper | None) -> dict[str, object]:
    found: dict[str, object] = {"mimeType": media_type, "text": _text_of(body)}
    if "x-www-form-urlencoded" in media_type and found["text"]:
        found["params"] = [
            {"name": name, "value": value}
            for name, value in parse_qsl(str(found["text"]), keep_blank_values=True)
        ]
    omitted = "it was not recorded" if body is None else body.shown().get("omitted")
    return found | {"comment": omitted} if omitted else found


def _text_of(body: BodyKeeper | None) -> str:
    if body is None:
        return ""
    shown: dict[str, Any] = body.shown()
    if shown["form"] == "events":
        return "".join(_event(each) for each in shown["events"])
    if shown["form"] == "grpc":
        return "\n".join(each["text"] for each in shown["messages"] if "text" in each)
    return str(shown.get("text", ""))


def _event(event: dict[str, Any]) -> str:
    lines = [f"{name}: {event[name]}" for name in ("event", "id", "retry") if name in event]
    lines += [f"data: {line}" for line in event["data"].split("\n")] if event["data"] else []
    return "\n".join(lines) + "\n\n"


def _response(record: Record, facts: Facts) -> dict[str, object]:
    answer = record.answer
    headers = [] if answer is None else answer.sent.fields
    location = "" if answer is None else answer.sent.get(b"location")
    body = None if record.content is None else record.content.answer
    return {
        "status": facts.status,
        "statusText": "" if answer is None else text(answer.reason),
        "httpVersion": f"HTTP/{record.version}",
        "cookies": _cookies(headers, "set-cookie"),
        "headers": _named(headers),
        "content": _content(answer.sent.get(b"content-type") if answer else "", body, facts),
        "redirectURL": location,
        "headersSize": -1,
        "bodySize": facts.bytes_to_client,
    }


def _content(media_type: str, body: BodyKeeper | None, facts: Facts) -> dict[str, object]:
    found: dict[str, object] = {"size": facts.bytes_to_client, "mimeType": media_type}
    if isinstance(body, WholeBody) and body.shown()["form"] == "image" and body.content:
        return found | {
            "size": len(body.content),
            "text": base64.b64encode(body.content).decode(),
            "encoding": "base64",
        }
    kept = _text_of(body)
    if kept:
        return found | {"size": len(kept.encode("utf-8", "surrogatepass")), "text": kept}
    omitted = "it was not recorded" if body is None else body.shown().get("omitted")
    return found | {"comment": omitted} if omitted else found


def _named(headers: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _cookies(headers: Iterable[tuple[str, str]], field: str) -> list[dict[str, str]]:
    found = []
    for name, value in headers:
        if name.lower() == field:
            pairs = value.split("; ") if field == "cookie" else [value.partition(";")[0]]
            found += [
                {"name": n, "value": v} for n, _, v in (pair.partition("=") for pair in pairs)
            ]
    return found


def _query(url: str) -> list[dict[str, str]]:
    try:
        query = urlsplit(url).query
    except ValueError:
        return []
    return [{"name": n, "value": v} for n, v in parse_qsl(query, keep_blank_values=True)]


def _timings(parts: Iterable[dict[str, object]]) -> dict[str, float]:
    """-1 for what did not happen. In HAR `connect` has the time of TLS in it."""
    took = {str(each["name"]): _length(each) for each in parts}
    tls = took.get("tls", -1.0)
    connect = took["connect"] + max(tls, 0.0) if "connect" in took else -1.0
    waited = took.get("token", 0.0) + took.get("queue", 0.0)
    return {
        "blocked": round(waited, 3) if waited else -1.0,
        "dns": -1.0,
        "connect": round(connect, 3),
        "ssl": tls,
        "send": 0.0,
        "wait": took.get("first byte", 0.0),
        "receive": took.get("body", 0.0),
    }


def _length(part: dict[str, Any]) -> float:
    return round(max(float(part["to_ms"] - part["from_ms"]), 0.0), 3)


def _resource(record: Record, facts: Facts) -> str:
    found = kinds(record, facts)
    for kind, resource in _RESOURCES:
        if kind in found:
            return resource
    media_type = "" if record.answer is None else record.answer.sent.get(b"content-type")
    return next((word for sign, word in _BY_TYPE if media_type.startswith(sign)), "fetch")
