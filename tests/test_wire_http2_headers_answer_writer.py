"""What an answer's header block becomes for the client."""

import hpack

from authproxy.policy.messages.origin_mapping import Home
from authproxy.wire.http2.headers.answer_writer import NO_CORS, AnswerWriter
from authproxy.wire.http2.headers.blocks import plain_field
from authproxy.wire.http2.headers.response_blocks import ResponseBlockReader

FRAME_HEAD = 9
HOME = Home(services=(b"https://billing.example",), client=b"http://localhost:8080")


class Writing:
    """A writer between a service's encoder and a client's decoder."""

    def __init__(self) -> None:
        self.service = hpack.Encoder()
        self.client = hpack.Decoder()
        self.reader = ResponseBlockReader()
        self.writer = AnswerWriter(max_list=10_000)

    def write(self, *fields: tuple[bytes, bytes], more: bytes = b"") -> dict[bytes, bytes] | None:
        """What the client reads; None: that the block passed as it came."""
        block = self.service.encode([(b":status", b"200"), *fields], huffman=False)
        parsed = self.reader.read(block)
        self.writer.look(parsed, HOME)
        frames = self.writer.write(parsed, block, 0, 1, HOME, more=more, cors=NO_CORS)
        if frames is None:
            self.client.decode(block, raw=True)
            return None
        return dict(self.client.decode(frames[FRAME_HEAD:], raw=True))


def test_a_block_passes_until_one_must_change_and_then_all_are_written_anew() -> None:
    writing = Writing()

    assert writing.write((b"server", b"a")) is None
    assert writing.write((b"server", b"a"), more=plain_field(b"x", b"y")) == {
        b":status": b"200",
        b"server": b"a",
        b"x": b"y",
    }
    assert not writing.writer.rewrites
    moved = writing.write((b"location", b"https://billing.example/b"))
    assert {b":status": b"200", b"location": b"http://localhost:8080/b"} == moved
    assert {b":status": b"200", b"server": b"a"} == writing.write((b"server", b"a"))


def test_the_client_is_told_of_a_smaller_table_once_even_in_a_block_of_our_own() -> None:
    writing = Writing()
    writing.writer.allow_table(100, max_size=4096)
    due = writing.writer.take_due_update()
    writing.client.max_allowed_table_size = 100

    assert [] == list(writing.client.decode(due, raw=True))
    assert b"" == writing.writer.take_due_update()


def test_once_the_client_has_forgotten_its_table_nothing_is_due() -> None:
    writing = Writing()
    writing.write((b"location", b"https://billing.example/b"))
    writing.writer.allow_table(100, max_size=4096)

    assert b"" == writing.writer.take_due_update()


def test_a_block_that_is_dropped_counts_by_what_it_does_to_the_table() -> None:
    writing = Writing()
    writing.writer.drop(writing.reader.read(b"\x88"))
    assert not writing.writer.rewrites

    writing.writer.drop(writing.reader.read(b"\x88" + b"\x40\x01a\x01b"))
    assert writing.writer.rewrites
