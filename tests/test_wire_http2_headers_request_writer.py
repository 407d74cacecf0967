"""What a call becomes for the service, and when it is written anew."""

from typing import Any, cast

import hpack
import pytest

from authproxy.errors import Refused
from authproxy.exchange import Secret, Token
from authproxy.policy.messages.headers import service_rules
from authproxy.policy.messages.origin_mapping import Home
from authproxy.settings import LimitSettings
from authproxy.values import parse_origin
from authproxy.wire.admission.admission import Admission
from authproxy.wire.admission.general_checks import GeneralChecks
from authproxy.wire.http2.framing.frames import END_STREAM
from authproxy.wire.http2.headers.blocks import plain_block
from authproxy.wire.http2.headers.request_blocks import Block, RequestBlocks
from authproxy.wire.http2.headers.request_writer import RequestWriter
from authproxy.wire.upstream.upstream import Upstream
from tests.support.http2 import call_of

FRAME_HEAD = 9
HOME = Home(services=(b"https://billing.example",), client=b"http://localhost")


class Writing:
    """A writer with the client's reader before it and the service's decoder behind it."""

    def __init__(self) -> None:
        rules = service_rules(authority="billing.example", token_header="auto")
        origin, unused = parse_origin("https://billing.example"), cast(Any, None)
        service = Upstream("billing", origin, rules, unused, unused, None)
        self.admission = Admission(service, unused, b"/a", b"localhost", None, "", HOME, b"", b"")
        self.blocks = RequestBlocks(LimitSettings())
        self.writer = RequestWriter(self.blocks, cast(GeneralChecks, None))
        self.service = hpack.Decoder()

    def known(self, *more: tuple[bytes, bytes]) -> Block:
        known = self.blocks.find(plain_block(call_of(*more)))
        self.blocks.understand(known)
        return known

    def write(self, known: Block, token: Token) -> dict[bytes, bytes]:
        """What the service reads."""
        frames = self.writer.write(known, END_STREAM, 1, b"", self.admission, token)
        return dict(self.service.decode(frames[FRAME_HEAD:], raw=True))


def token(text: str) -> Token:
    return Token(
        value=Secret(text), expires_at=9e9, audience="a", principal="p", source="s", issued_at=0.0
    )


def test_a_call_that_comes_again_is_written_anew_for_another_token_only() -> None:
    writing, first, second = Writing(), token("one"), token("two")
    known = writing.known()
    sent = [writing.write(known, first)[b"authorization"]]
    sent.append(writing.write(known, first)[b"authorization"])  # by the table now
    written = known.written
    sent.append(writing.write(known, first)[b"authorization"])
    assert written is known.written
    sent.append(writing.write(known, second)[b"authorization"])

    assert [b"Bearer one"] * 3 + [b"Bearer two"] == sent
    assert written is not known.written


def test_fields_for_one_call_leave_what_was_written_as_it_was() -> None:
    writing, same = Writing(), token("one")
    known = writing.known((b"x-a", b"b"))
    writing.write(known, same)
    writing.write(known, same)
    written = known.written
    for number in (b"1", b"2"):
        own = [(b"traceparent", number)]
        frames = writing.writer.write(known, 0, 1, b"", writing.admission, same, own)
        read = dict(writing.service.decode(frames[FRAME_HEAD:], raw=True))

        assert (number, b"b", b"Bearer one") == (
            read[b"traceparent"],
            read[b"x-a"],
            read[b"authorization"],
        )
        assert written is known.written
    assert b"traceparent" not in writing.write(known, same)


def test_a_table_of_another_size_makes_all_that_is_known_unknown() -> None:
    writing = Writing()
    known = writing.known()
    writing.writer.allow_table(4096)
    assert known is writing.known()
    writing.writer.allow_table(8192)

    assert known is not writing.known()
    assert b"billing.example" == writing.write(writing.known(), token("one"))[b":authority"]


def test_trailers_of_which_none_may_say_what_a_head_says() -> None:
    writing, rules = Writing(), service_rules(authority="billing.example", token_header="auto")
    good, bad = (
        writing.blocks.find(plain_block([pair]))
        for pair in ((b"x-sum", b"1"), (b":path", b"/elsewhere"))
    )
    frames = writing.writer.write_trailers(good, 1, rules, HOME)

    assert {b"x-sum": b"1"} == dict(writing.service.decode(frames[FRAME_HEAD:], raw=True))
    with pytest.raises(Refused):
        writing.writer.write_trailers(bad, 1, rules, HOME)
