import sys

from authproxy.inspector.recording.record import OVERHEAD, Facts
from tests.support.recorded import Story


def test_record_says_how_things_are_while_the_exchange_goes_on() -> None:
    story = Story()
    exchange = story.begin(target=b"/a")
    record = next(story.recording.store.newest_first())

    live = (record.is_live, record.facts.status)
    story.answer(exchange, status=404)
    answered = (record.is_live, record.facts.status)
    story.end(exchange, 3, 4)

    assert ((True, 0), (True, 404)) == (live, answered)
    assert (False, 404, 3, 4) == (
        record.is_live,
        record.facts.status,
        record.facts.bytes_from_client,
        record.facts.bytes_to_client,
    )


def test_record_lets_go_of_the_exchange_at_its_end() -> None:
    story = Story()
    record = story.tell()

    assert record.exchange is None
    assert "billing" == record.facts.service
    record.end()
    assert "billing" == record.facts.service


def test_record_takes_no_more_than_is_counted_for_it() -> None:
    record = Story().tell(target=b"/a/path")
    facts = record.facts
    parts = [record, record.told, record.target, record.answered, facts.times, record.sent]
    numbers = [value for value in facts if isinstance(value, float | int)]
    took = sum(map(sys.getsizeof, [*parts, *numbers]))

    assert took + len(Facts._fields) * 8 < OVERHEAD
    assert f"<Record {record.request_id}>" == repr(record)
