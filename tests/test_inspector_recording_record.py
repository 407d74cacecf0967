from authproxy.inspector.recording.record import Record
from tests.support.recorded import Story


def test_record_says_how_things_are_while_the_exchange_goes_on() -> None:
    story = Story()
    exchange = story.begin(target=b"/a")

    def now() -> Record:
        return next(story.recording.store.newest_first())

    live = (now().is_live, now().facts.status)
    story.answer(exchange, status=404)
    answered = (now().is_live, now().facts.status)
    record = story.end(exchange, 3, 4)

    assert ((True, 0), (True, 404)) == (live, answered)
    assert (False, 404, 3, 4) == (
        record.is_live,
        record.facts.status,
        record.facts.bytes_from_client,
        record.facts.bytes_to_client,
    )
    assert f"<Record {exchange.request_id}>" == repr(record)


def test_status_of_grpc_is_read_from_an_answer_without_content() -> None:
    story = Story()
    exchange = story.begin()
    story.answer(exchange, ("Grpc-Status", "5"))

    assert 5 == story.end(exchange).facts.grpc_status
    assert story.tell().facts.grpc_status is None
