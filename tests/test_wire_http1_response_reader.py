"""What a service's bytes hold, split anywhere, without a socket."""

import pytest

from authproxy.exchange import Field, ResponseHead
from authproxy.policy.messages.facts import ResponseFacts
from authproxy.wire.http1.heads import HeadError
from authproxy.wire.http1.response_reader import ResponseReader

EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"


class Heard:
    """A receiver that writes down what it hears."""

    def __init__(self, *, wants: bool = True) -> None:
        self.told: list[tuple[object, ...]] = []
        self.body = b""
        self._wants = wants

    def service_head(self, head: ResponseHead, facts: ResponseFacts, begun: bytes) -> bool:
        self.told.append(("head", head.status))
        return self._wants

    def service_interim(self, head: ResponseHead, facts: ResponseFacts, size: int) -> None:
        self.told.append(("interim", head.status, size))

    def service_switches(self, head: ResponseHead, facts: ResponseFacts, rest: bytes) -> None:
        self.told.append(("switches", rest))

    def from_service(self, data: bytes) -> None:
        self.body += data

    def service_done(self, trailers: list[Field]) -> None:
        self.told.append(("done", [value for _, value, _ in trailers]))


def reader(method: bytes = b"GET") -> ResponseReader:
    made = ResponseReader(head_bytes=1000, max_fields=4)
    made.begin(method)
    return made


ANSWERS = [
    (b"GET", EARLY + OK + b"Content-Length: 5\r\n\r\nhello", b"hello", [], True),
    (b"GET", CHUNKED, b"hello", [b"1"], True),
    (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n", b"", [], True),
    (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", b"", [], True),
    (b"HEAD", OK + b"Content-Length: 5\r\n\r\n", b"", [], True),
    (b"GET", OK + b"Content-Length: 0\r\nConnection: close\r\n\r\n", b"", [], False),
]


@pytest.mark.parametrize(("method", "data", "body", "trailers", "may_follow"), ANSWERS)
def test_an_answer_is_the_same_however_it_is_split(
    method: bytes, data: bytes, body: bytes, trailers: list[bytes], may_follow: bool
) -> None:
    interim = [("interim", 103, len(EARLY) - 4)] if data.startswith(EARLY) else []
    status = int(data.removeprefix(EARLY)[9:12])
    for cut in range(len(data) + 1):
        heard, made = Heard(), reader(method)
        for piece in (data[:cut], data[cut:]):
            made.feed(heard, piece)

        assert [*interim, ("head", status), ("done", trailers)] == heard.told
        assert (body, may_follow, True) == (heard.body, made.may_follow, made.has_head)


def test_a_body_without_length_ends_with_the_connection() -> None:
    heard, made = Heard(), reader()
    made.feed(heard, OK + b"\r\nhel")
    made.feed(heard, b"lo")
    assert [("head", 200)] == heard.told

    assert made.end(heard)
    assert ([("head", 200), ("done", [])], b"hello") == (heard.told, heard.body)
    assert not made.may_follow


def test_half_an_answer_does_not_end_with_the_connection() -> None:
    heard, made = Heard(), reader()
    made.feed(heard, OK + b"Content-Length: 5\r\n\r\nhel")

    assert not made.end(heard)
    assert [("head", 200)] == heard.told


def test_what_follows_an_answer_spoils_the_connection() -> None:
    heard, made = Heard(), reader()
    made.feed(heard, OK + b"Content-Length: 2\r\n\r\nokHTTP/1.1")

    assert (b"ok", False) == (heard.body, made.may_follow)


def test_after_a_switch_nothing_is_read_any_more() -> None:
    heard, made = Heard(), reader()
    made.feed(heard, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nraw\r\n\r\n")

    assert [("switches", b"raw\r\n\r\n")] == heard.told


def test_an_answer_that_is_not_wanted_is_not_read() -> None:
    heard, made = Heard(wants=False), reader()
    made.feed(heard, OK + b"Content-Length: 2\r\n\r\nok")

    assert ([("head", 200)], b"", False) == (heard.told, heard.body, made.has_head)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"SSH-2.0\r\n", "HTTP/1.1"),
        (OK + b"A: 1\r\n" * 5 + b"\r\n", "too many"),
        (OK + b"A: " + b"x" * 1000, "too large"),
        (b"HTTP/1.1 100 Continue\r\nContent-Length: 1\r\n\r\nx", "interim answer with a body"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "begin with its size"),
    ],
)
def test_what_is_no_answer_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(HeadError, match=why):
        reader().feed(Heard(), data)


def test_the_next_answer_needs_a_next_request() -> None:
    heard, made = Heard(), reader()
    made.feed(heard, OK + b"Content-Length: 0\r\n\r\n")
    with pytest.raises(HeadError, match="a second answer"):
        made.feed(heard, OK)
    made.begin(b"GET")
    made.feed(heard, OK + b"Content-Length: 0\r\n\r\n")

    assert 4 == len(heard.told)
    assert "<ResponseReader [<BodyReader [over]>]>" == repr(made)


class Kept(Heard):
    """One that keeps what it hears of heads."""

    def __init__(self) -> None:
        super().__init__()
        self.heads: list[ResponseHead] = []
        self.lengths: list[int | None] = []

    def service_head(self, head: ResponseHead, facts: ResponseFacts, begun: bytes) -> bool:
        self.heads.append(head)
        self.lengths.append(facts.length)
        return super().service_head(head, facts, begun)


SHORT = OK + b"Content-Length: 5\r\n\r\n"


def test_a_head_that_repeats_is_given_again_and_one_that_only_begins_like_it_is_read() -> None:
    heard, made = Kept(), reader()
    longer, other = SHORT[:-4] + b"5\r\n\r\n", SHORT[:-2] + b"A: b\r\n\r\n"
    for head, size in ((SHORT, 5), (SHORT, 5), (longer, 55), (other, 5), (SHORT, 5)):
        made.begin(b"GET")
        made.feed(heard, head + b"x" * size)

    assert [5, 5, 55, 5, 5] == heard.lengths
    assert (75, True) == (len(heard.body), made.may_follow)
    first, again, *others = heard.heads
    assert first is again
    assert [1, 2, 1] == [len(head.headers) for head in others]


def test_what_an_interim_head_says_is_not_said_of_the_final_one_that_repeats() -> None:
    heard, made = Kept(), reader()
    for data in (SHORT + b"hello", EARLY + SHORT + b"again"):
        made.begin(b"GET")
        made.feed(heard, data)

    assert heard.heads[0] is heard.heads[1]
    assert ([5, 5], b"helloagain") == (heard.lengths, heard.body)


def test_a_repeated_head_may_come_in_pieces() -> None:
    for cut in range(1, len(SHORT)):
        heard, made = Kept(), reader()
        for data in (SHORT + b"hello", SHORT[:cut], SHORT[cut:] + b"again"):
            if data[-5:] != b"again":
                made.begin(b"GET")
            made.feed(heard, data)

        assert ([5, 5], b"helloagain") == (heard.lengths, heard.body)


@pytest.mark.parametrize(
    ("more", "is_same"),
    [
        (b"Content-Length: 0\r\nX-Request-Id: 2", True),
        (b"Content-Length: 0\r\nX-Request-Id: 1\r\nX-A: b", False),
        (b"X-Request-Id: 1\r\nContent-Length: 0", False),
    ],
)
def test_what_was_found_holds_for_an_answer_that_differs_in_its_trace_alone(
    more: bytes, is_same: bool
) -> None:
    reading, heard = reader(), Facts()
    for fields in (b"Content-Length: 0\r\nX-Request-Id: 1", more):
        reading.begin(b"GET")
        reading.feed(heard, OK + fields + b"\r\n\r\n")

    assert is_same is (heard.facts[0] is heard.facts[1])
    assert [0, 0] == [facts.length for facts in heard.facts]


def test_another_version_is_looked_at_anew() -> None:
    reading, heard = reader(), Facts()
    for version in (b"1.1", b"1.0"):
        reading.begin(b"GET")
        reading.feed(heard, b"HTTP/%b 200 OK\r\nContent-Length: 0\r\n\r\n" % version)

    assert [True, False] == [facts.keep_alive for facts in heard.facts]


class Facts(Heard):
    """One that keeps the facts."""

    def __init__(self) -> None:
        super().__init__()
        self.facts: list[ResponseFacts] = []

    def service_head(self, head: ResponseHead, facts: ResponseFacts, begun: bytes) -> bool:
        self.facts.append(facts)
        return super().service_head(head, facts, begun)
