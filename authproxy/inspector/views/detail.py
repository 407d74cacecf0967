"""All that is kept of one exchange."""

import time
from operator import itemgetter
from typing import Any

from authproxy.inspector.bodies.content import BodyKeeper
from authproxy.inspector.recording.kept_heads import Head
from authproxy.inspector.recording.record import Facts, Record, Try
from authproxy.inspector.recording.token_notes import TokenNote
from authproxy.inspector.views.differences import compare, why_answer, why_request
from authproxy.inspector.views.json_rpc import pairs
from authproxy.inspector.views.rows import row, text
from authproxy.times import Opening, Times, Wait


def detail(record: Record, key_header: str = "", now: float | None = None) -> dict[str, object]:
    """As docs/inspector-api.md has it. `key_header`: where clients show keys, in lower case."""
    facts = record.facts
    last = record.tries[-1] if record.tries else None
    content = record.content
    request = None if content is None else _shown(content.request)
    answer = None if content is None else _shown(content.answer)
    sockets = None if content is None or content.sockets is None else content.sockets.shown()
    return {
        **row(record),
        "key": facts.key,
        "detail": facts.detail,
        "hint": _hint(record),
        "request": {
            "method": text(record.method),
            "target": text(record.target),
            "version": record.version,
            "headers": record.request.fields,
            "body": request,
        },
        "tries": [_try(record, each, key_header) for each in record.tries],
        "answer": _answer(record, answer),
        "trailers": [] if record.trailers is None else record.trailers.fields,
        "token": None if last is None or last.token is None else _token(last.token, now),
        "waterfall": waterfall(facts, sent_s(record)),
        "websocket": sockets,
        "calls": pairs(_texts(request), _texts(answer)),
        "records_content": record.records_content,
    }


def _shown(kept: BodyKeeper | None) -> dict[str, Any] | None:
    return None if kept is None else kept.shown()


def _texts(body: dict[str, Any] | None) -> list[str]:
    """What may be JSON-RPC in it."""
    if body is None:
        return []
    if body["form"] == "events":
        return [event["data"] for event in body["events"]]
    return [body["text"]] if "text" in body else []


def _hint(record: Record) -> str:
    """What clients on this machine were advised."""
    return "" if record.answer is None else record.answer.sent.get(b"x-authproxy-hint")


def _try(record: Record, each: Try, key_header: str) -> dict[str, object]:
    name = text(each.token_name)
    connection = record.request.get(b"connection")
    why = why_request(each.secret_names, name, key_header, connection)
    went = each.head.fields
    if name:
        went = [*went, (name, "Bearer [token]")]
    opened = each.opening
    return {
        "at_ms": round(each.at_s * 1000, 3),
        "origin": each.origin,
        "method": text(each.method),
        "target": text(each.target),
        "version": each.version,
        "headers": [line.shown() for line in compare(record.request.fields, went, why)],
        "new_connection": opened is not None,
        "principal": "" if each.token is None else each.token.principal,
    }


def _answer(record: Record, body: dict[str, Any] | None) -> dict[str, object] | None:
    answer = record.answer
    if answer is None:
        return None
    came = answer.came
    lines = _own(answer.sent) if came is None else _changed(came, answer.sent)
    return {
        "from": "authproxy" if came is None else "service",
        "status": answer.sent_status,
        "reason": text(answer.reason),
        "version": answer.version,
        "headers": lines,
        "body": body,
    }


def _own(sent: Head) -> list[dict[str, str]]:
    return [{"name": name, "value": value, "change": "kept"} for name, value in sent.fields]


def _changed(came: Head, sent: Head) -> list[dict[str, str]]:
    return [line.shown() for line in compare(came.fields, sent.fields, why_answer)]


def _token(note: TokenNote, now: float | None) -> dict[str, object]:
    forever = note.expires_at == float("inf")
    remaining = note.expires_at - (time.time() if now is None else now)
    return {
        "principal": note.principal,
        "audience": note.audience,
        "source": note.source,
        "issued_at": note.issued_at,
        "expires_at": None if forever else note.expires_at,
        "remaining_s": None if forever else round(remaining, 1),
        "claims": note.claims,
    }


def sent_s(record: Record) -> float:
    """When it was sent for the last time, in seconds from its start; 0.0: never."""
    return record.tries[-1].at_s if record.tries else 0.0


def waterfall(facts: Facts, sent_s: float) -> list[dict[str, object]]:
    """What it waited for, in milliseconds from its start, in the order in which it began."""
    end = facts.duration_s or time.monotonic() - facts.started
    found: list[Part] = [] if facts.times is None else _waits(facts.times, facts.started, end)
    if sent_s:
        found.append(("first byte", sent_s, facts.first_byte_s or end))
    if facts.first_byte_s:
        found.append(("body", facts.first_byte_s, end))
    return [
        {"name": name, "from_ms": round(a * 1000, 3), "to_ms": round(max(a, b) * 1000, 3)}
        for name, a, b in found
    ]


Part = tuple[str, float, float]
"""Name, begin and end."""


def _waits(times: Times, started: float, end: float) -> list[Part]:
    """Each by itself: in HTTP/2 those for a token and for the connection overlap."""
    found: list[Part] = []
    last = next((each for each in reversed(times.waits) if each.what == "connection"), None)
    for wait in times.waits:
        if wait.what == "token":
            found.append(("token", wait.began_s, wait.ended_s or end))
        elif wait is last and times.opening is not None and wait.ended_s:
            found += _connecting(times.opening, started, wait)
        else:
            found.append(("queue", wait.began_s, wait.ended_s or end))
    return sorted(found, key=itemgetter(1))


def _connecting(opening: Opening, started: float, wait: Wait) -> list[Part]:
    """A connection may have been begun before it was waited for, for another exchange."""
    began, connected, ready = (
        max(at - started, wait.began_s) for at in (opening.began, opening.connected, opening.ready)
    )
    found = [("queue", wait.began_s, began)] if began > wait.began_s else []
    found.append(("connect", began, connected))
    if ready > connected:
        found.append(("tls", connected, ready))
    return found
