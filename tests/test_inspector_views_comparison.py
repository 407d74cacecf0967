from typing import Any

from authproxy.inspector.recording.record import Record
from authproxy.inspector.views.comparison import comparison
from tests.support.recorded import Story


def tell(story: Story, body: bytes, **more: Any) -> Record:
    exchange = story.begin(("X-Same", "1"), ("X-Other", more["other"]), target=more["target"])
    story.answer(exchange, ("Content-Type", "application/json"))
    story.recorder.answer_piece(exchange, body)
    return story.end(exchange, 0, len(body))


def test_two_exchanges_are_compared_part_by_part() -> None:
    story = Story(with_content=["billing"])
    one = tell(story, b'{"a": 1, "b": 2}', other="x", target=b"/one")
    two = tell(story, b'{"a":1,"b":3}', other="y", target=b"/two")

    found: Any = comparison(one, two)

    facts = {fact["name"]: fact for fact in found["facts"]}
    assert (False, ["/one", "/two"]) == (facts["target"]["same"], facts["target"]["values"])
    assert facts["method"]["same"]
    assert ["kept", "replaced"] == [line["change"] for line in found["request_headers"]]
    assert ['-  "b": 2', '+  "b": 3'] == [line for line in found["answer_body"] if line[0] in "+-"]
    assert [] == found["request_body"]


def test_exchange_is_the_same_as_itself() -> None:
    record = Story().tell()

    found: Any = comparison(record, record)

    assert all(fact["same"] for fact in found["facts"])
    assert [] == found["answer_body"]


def test_bodies_too_long_to_be_compared_say_so() -> None:
    story = Story(with_content=["billing"])
    one = tell(story, b"[%b1]" % (b"1," * 3000), other="x", target=b"/")
    two = tell(story, b"[2]", other="x", target=b"/")

    found: Any = comparison(one, two)

    assert ["the bodies are too long to be compared"] == found["answer_body"]
