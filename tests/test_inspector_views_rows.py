import pytest

from authproxy.inspector.views.rows import row
from tests.support.recorded import Story

KINDS: list[tuple[list[tuple[str, str]], list[tuple[str, str]], list[str]]] = [
    ([], [], []),
    ([("Content-Type", "application/grpc+proto")], [], ["grpc"]),
    ([("Upgrade", "WebSocket")], [], ["websocket"]),
    ([], [("Content-Type", "text/event-stream; charset=utf-8")], ["sse"]),
    ([("Mcp-Session-Id", "x")], [("Content-Type", "text/event-stream")], ["mcp", "sse"]),
    ([("Mcp-Method", "tools/call")], [], ["mcp"]),
    ([("Accept", "application/json, text/event-stream")], [], ["mcp"]),
]


@pytest.mark.parametrize(("asked", "answered", "kinds"), KINDS, ids=[str(row[2]) for row in KINDS])
def test_kind_of_an_exchange_is_told(
    asked: list[tuple[str, str]], answered: list[tuple[str, str]], kinds: list[str]
) -> None:
    story = Story()
    exchange = story.begin(*asked, method=b"POST")
    story.answer(exchange, *answered)

    assert kinds == row(story.end(exchange))["kinds"]


def test_row_of_an_exchange_under_way_has_no_duration_yet() -> None:
    story = Story()
    story.begin(target=b"/a\xff")
    record = next(story.recording.store.newest_first())

    found = row(record)

    assert {"live": True, "duration_ms": None, "status": 0, "target": "/a\\xff"}.items() <= (
        found.items()
    )
    assert ("unix", "1", "billing") == (found["client"], found["id"], found["service"])
