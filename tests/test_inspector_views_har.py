from typing import Any

import pytest

from authproxy.inspector.views.har import har
from tests.support.recorded import Story
from tests.test_inspector_bodies_websocket_frames import frame

ENTRY = {"startedDateTime", "time", "request", "response", "cache", "timings"}
REQUEST = {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize"}
RESPONSE = {"status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL"}


def only_entry(story: Story) -> Any:
    whole: Any = har(story.recording.store.newest_first())
    assert "1.2" == whole["log"]["version"]
    (entry,) = whole["log"]["entries"]
    return entry


def test_entry_has_all_that_the_format_demands() -> None:
    story = Story(with_content=["billing"])
    form = ("Content-Type", "application/x-www-form-urlencoded")
    exchange = story.begin(form, ("Cookie", "a=1; b=2"), method=b"POST", target=b"/p?x=1&y=")
    story.recorder.request_piece(exchange, b"n=1&m=two+words")
    story.answer(exchange, ("Content-Type", "application/json"), ("Set-Cookie", "sid=1; Path=/"))
    story.recorder.answer_piece(exchange, b"{}")
    story.end(exchange, 15, 2)

    entry = only_entry(story)

    assert entry.keys() >= ENTRY
    assert entry["request"].keys() >= REQUEST | {"bodySize", "postData"}
    assert entry["response"].keys() >= RESPONSE | {"bodySize"}
    assert "http://localhost/p?x=1&y=" == entry["request"]["url"]
    assert [("x", "1"), ("y", "")] == [
        (each["name"], each["value"]) for each in entry["request"]["queryString"]
    ]
    assert ["n", "m"] == [each["name"] for each in entry["request"]["postData"]["params"]]
    assert ["a", "b"] == [each["name"] for each in entry["request"]["cookies"]]
    assert ["sid"] == [each["name"] for each in entry["response"]["cookies"]]
    assert {"text": "{}", "size": 2, "mimeType": "application/json"} == entry["response"]["content"]
    parts = [entry["timings"][name] for name in ("blocked", "connect", "send", "wait", "receive")]
    assert entry["time"] == pytest.approx(sum(part for part in parts if part > 0), abs=0.01)
    assert entry["startedDateTime"].endswith("Z")


def test_websocket_messages_are_as_chromium_writes_them() -> None:
    story = Story(with_content=["billing"])
    exchange = story.begin(("Upgrade", "websocket"))
    story.answer(exchange, status=101)
    story.recorder.request_piece(exchange, frame(b"hi", mask=b"abcd"))
    story.recorder.answer_piece(exchange, frame(b"\0\1", 2))
    story.end(exchange)

    entry = only_entry(story)

    assert ("websocket", "ws://localhost/") == (entry["_resourceType"], entry["request"]["url"])
    assert [("send", 1, "hi"), ("receive", 2, "")] == [
        (each["type"], each["opcode"], each["data"]) for each in entry["_webSocketMessages"]
    ]
    assert all(each["time"] > 1e9 for each in entry["_webSocketMessages"])


def test_image_is_in_base64() -> None:
    story = Story(with_content=["billing"])
    exchange = story.begin()
    story.answer(exchange, ("Content-Type", "image/gif"))
    story.recorder.answer_piece(exchange, b"GIF89a\0\0")
    story.end(exchange, 0, 8)

    content = only_entry(story)["response"]["content"]

    assert ("base64", "R0lGODlhAAA=") == (content["encoding"], content["text"])


def test_stream_of_events_is_text_again() -> None:
    story = Story(with_content=["billing"])
    exchange = story.begin()
    story.answer(exchange, ("Content-Type", "text/event-stream"))
    story.recorder.answer_piece(exchange, b"id: 1\ndata: a\ndata: b\n\n")
    story.end(exchange, 0, 24)

    entry = only_entry(story)

    assert "id: 1\ndata: a\ndata: b\n\n" == entry["response"]["content"]["text"]
    assert "eventsource" == entry["_resourceType"]


def test_what_was_refused_says_why() -> None:
    from authproxy.errors import Code, Refused

    story = Story()
    exchange = story.begin()
    story.recorder.refused(exchange, Refused("no", code=Code.CROSS_SITE, detail="evil.example"))
    story.end(exchange)

    assert "cross_site: evil.example" == only_entry(story)["comment"]
