"""An exchange in one line."""

from authproxy.inspector.recording.record import Facts, Record

Row = dict[str, object]


def row(record: Record) -> Row:
    """As docs/inspector-api.md has it."""
    facts = record.facts
    return {
        "id": str(record.number),
        "request_id": record.request_id,
        "time": round(record.started_at, 6),
        "client": facts.client or "unix",
        "host": text(facts.host),
        "service": facts.service,
        "method": text(record.method),
        "target": text(record.target),
        "protocol": record.protocol,
        "status": facts.status,
        "grpc_status": facts.grpc_status,
        "kinds": kinds(record, facts),
        "code": facts.code,
        "live": record.is_live,
        "aborted": facts.aborted,
        "first_byte_ms": round(facts.first_byte_s * 1000, 3),
        "duration_ms": None if record.is_live else round(facts.duration_s * 1000, 3),
        "bytes_from_client": facts.bytes_from_client,
        "bytes_to_client": facts.bytes_to_client,
        "principal": facts.principal,
        "attempts": facts.attempts,
        "replayed_from": record.replayed_from,
    }


def kinds(record: Record, facts: Facts) -> list[str]:
    """What it is besides a request: gRPC, SSE, WebSocket, MCP, refused by us."""
    found = []
    if record.request.get(b"content-type").lower().startswith("application/grpc"):
        found.append("grpc")
    if _is_mcp(record):
        found.append("mcp")
    if record.request.get(b"upgrade").lower() == "websocket":
        found.append("websocket")
    answer = record.answer
    if answer is not None and answer.sent.get(b"content-type").startswith("text/event-stream"):
        found.append("sse")
    if facts.code is not None and (answer is None or answer.came is None):
        found.append("refused")
    return found


def _is_mcp(record: Record) -> bool:
    """A request that only clients of MCP's Streamable HTTP send."""
    head = record.request
    names = (b"mcp-session-id", b"mcp-protocol-version", b"mcp-method")
    accept = head.get(b"accept").lower()
    is_first = "application/json" in accept and "text/event-stream" in accept
    return (is_first and record.method == b"POST") or any(map(head.get, names))


def text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")
