"""What is known of one call."""

from authproxy.exchange import Exchange, RequestHead
from authproxy.wire.http2.streams import Stream


def stream(*, client_ended: bool) -> Stream:
    exchange = Exchange("run", 7, None, RequestHead(b"GET", b"/", "2", []))
    return Stream(exchange, client_ended=client_ended)


def test_call_waits_for_its_answer_once_it_has_been_sent_whole() -> None:
    sending, sent = stream(client_ended=False), stream(client_ended=True)
    assert (False, True) == (sending.waits_for_answer, sent.waits_for_answer)
    sent.exchange.status = 200

    assert (False, True) == (sent.waits_for_answer, sent.is_answered)


def test_repr_says_which_and_how_far() -> None:
    call = stream(client_ended=True)
    assert "<Stream run-7 [open]>" == repr(call)
    call.exchange.status = 200
    assert "<Stream run-7 [answered]>" == repr(call)
