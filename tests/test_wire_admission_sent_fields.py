"""What a service gets is written once for a client that repeats itself."""

from typing import Any, cast

from authproxy.exchange import RequestHead, make_field
from authproxy.policy.messages.facts import read_request
from authproxy.policy.messages.headers import service_rules
from authproxy.wire.admission.admission import NOWHERE, Admission
from authproxy.wire.admission.sent_fields import SentFields

RULES = service_rules(authority="billing.example", token_header="auto")
ADMISSION = Admission(cast(Any, None), b"/", b"localhost", None, "", NOWHERE, b"F: 1\r\n", b"")


def head(method: bytes = b"GET", *fields: tuple[bytes, bytes]) -> RequestHead:
    named = [(b"Host", b"localhost"), *fields]
    return RequestHead(method, b"/", "1.1", [make_field(*field) for field in named])


def test_the_same_facts_for_the_same_admission_give_the_same_lines() -> None:
    sent, asked = SentFields(), head()
    facts = read_request(asked)
    lines = sent.write(asked, facts, ADMISSION, RULES)

    assert b"F: 1\r\n" in lines
    assert lines is sent.write(asked, facts, ADMISSION._replace(target=b"/other"), RULES)
    assert b"F: 2\r\n" in sent.write(asked, facts, ADMISSION._replace(forwarded=b"F: 2\r\n"), RULES)
    assert b"F: 1\r\n" in sent.write(asked, facts, ADMISSION, RULES)


def test_every_hop_is_counted() -> None:
    sent, asked = SentFields(), head(b"OPTIONS", (b"Max-Forwards", b"5"))
    facts = read_request(asked)
    lines = sent.write(asked, facts, ADMISSION, RULES)

    assert b"Max-Forwards: 4" in lines
    assert b"Max-Forwards: 4" in sent.write(asked, facts, ADMISSION, RULES)
    assert f"<SentFields [{len(lines)} bytes]>" == repr(sent)
