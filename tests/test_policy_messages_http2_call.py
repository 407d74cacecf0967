"""A request of HTTP/2, once it was read."""

from authproxy.exchange import RequestHead
from authproxy.policy.messages.facts import RequestFacts
from authproxy.policy.messages.http2.call import Call


def test_a_call_is_what_was_read_and_shows_no_values() -> None:
    head, facts = RequestHead(b"POST", b"/secret", "2", []), RequestFacts()
    fields = [(b"authorization", b"Bearer s3cret"), (b"te", b"trailers")]
    call = Call(head, facts, fields, is_grpc=True, wants_events=False)

    assert (head, facts, fields) == (call.head, call.facts, call.fields)
    assert (True, False) == (call.is_grpc, call.wants_events)
    assert "<Call POST [2 fields]>" == repr(call)
