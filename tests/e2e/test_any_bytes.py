"""Whatever clients and services send, and however it comes, the data path keeps its promises."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authproxy.errors import Code
from authproxy.exchange import Exchange
from fuzz.mutation import near
from tests.support.corpus import ANSWERS, GOOD_ANSWERS, GOOD_REQUESTS, REQUESTS
from tests.support.judge import judge, verdict
from tests.support.script import decode, seeds
from tests.support.stage import Act, Do, Stage, perform

Loop = asyncio.AbstractEventLoop

SEEDS = list(seeds())
ANSWERED = [
    Act(Do.CLIENT_SENDS, 0, b"GET /a HTTP/1.1\r\nHost: a.localhost\r\n\r\n"),
    Act(Do.TURN),
    Act(Do.SERVICE_SENDS, 0, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
]


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def test_a_play_leads_to_the_service_and_back(loop: Loop) -> None:
    """Else all that is said here of services and their answers would hold of nothing."""
    stage, complaints = perform(ANSWERED, loop)

    assert ([], []) == (complaints, list(judge(stage)))
    assert [True] == [wire.sent.startswith(b"GET /a ") for wire in stage.service_wires]
    assert [True] == [wire.sent.endswith(b"\r\n\r\nok") for wire in stage.clients]


@pytest.mark.parametrize("more", [b"x", b" /smuggled HTTP/1.1\r\nHost: a.example"])
def test_what_stands_behind_a_request_is_seen(more: bytes, loop: Loop) -> None:
    stage, _ = perform(ANSWERED, loop)
    assert [] == list(judge(stage))
    stage.service_wires[0].sent += more

    assert any("bytes of no request" in fault for fault in judge(stage))


def test_plays_lead_everywhere(loop: Loop) -> None:
    """By connections that were lost and tokens that were refused, too."""
    again = Counter[int | Code]()

    def note(stage: Stage, _exchange: Exchange, why: int | Code) -> None:
        again[why] += 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stage, "exchange_again", note, raising=False)
        stages = [perform(list(decode(script)), loop)[0] for script in SEEDS]
    attempts = Counter(each.attempts for stage in stages for each in stage.began)

    assert {401, Code.UPSTREAM_BROKE} <= set(again)
    assert attempts[2] >= 3
    assert attempts[1] > len(SEEDS) / 2
    assert sum(1 for stage in stages if stage.service_wires) > len(SEEDS) / 2


@pytest.mark.parametrize("script", SEEDS, ids=range(len(SEEDS)))
def test_known_attacks_come_to_nothing(script: bytes, loop: Loop) -> None:
    assert [] == verdict(list(decode(script)), loop)


@pytest.mark.parametrize("script", SEEDS, ids=range(len(SEEDS)))
def test_known_attacks_come_to_nothing_byte_by_byte(script: bytes, loop: Loop) -> None:
    acts = [
        Act(act.do, act.who, bytes([byte]))
        for act in decode(script)
        for byte in (act.data if act.do in (Do.CLIENT_SENDS, Do.SERVICE_SENDS) else b".")
    ]
    assert [] == verdict(acts, loop)


def pieces(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """`data` in up to six reads."""
    cuts = st.lists(st.integers(0, len(data)), max_size=5).map(sorted)
    return cuts.map(lambda at: [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)])


def spoilt(data: bytes) -> st.SearchStrategy[bytes]:
    """`data` with a few bytes taken out, and others put in their place."""
    odd = st.sampled_from([b"", b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"0", b"@", b","])
    at = st.integers(0, len(data))
    return st.builds(
        lambda start, size, new: data[:start] + new + data[start + size :],
        at,
        st.integers(0, 4),
        st.one_of(odd, st.binary(max_size=4)),
    )


def talk(do: Do, good: tuple[bytes, ...], known: tuple[bytes, ...]) -> st.SearchStrategy[list[Act]]:
    said = st.one_of(
        st.sampled_from(good),
        st.sampled_from(known),
        st.sampled_from(known).flatmap(spoilt),
        st.binary(max_size=40),
    )
    reads = said.flatmap(pieces)
    return st.builds(
        lambda who, them: [Act(do, who, each) for each in them], st.integers(0, 3), reads
    )


REST = [do for do in Do if do not in (Do.CLIENT_SENDS, Do.SERVICE_SENDS)]
CLIENT = talk(Do.CLIENT_SENDS, tuple(GOOD_REQUESTS), tuple(REQUESTS))
SERVICE = talk(Do.SERVICE_SENDS, tuple(GOOD_ANSWERS), tuple(ANSWERS))
TURN = st.just([Act(Do.TURN)])
OTHER = st.builds(
    lambda do, who, seconds: [Act(do, who, b"." * seconds)],
    st.sampled_from(REST),
    st.integers(0, 3),
    st.integers(0, 200),
)
PLAYS = st.lists(st.one_of(CLIENT, SERVICE, TURN, OTHER), max_size=14).map(
    lambda parts: [act for part in parts for act in part]
)
LAX = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@settings(LAX, max_examples=400)
@given(acts=PLAYS)
def test_any_play_ends_well(acts: list[Act], loop: Loop) -> None:
    assert [] == verdict(acts, loop)


@settings(LAX, max_examples=200)
@given(script=st.binary(max_size=200))
def test_any_bytes_are_a_play_that_ends_well(script: bytes, loop: Loop) -> None:
    assert [] == verdict(list(decode(script)), loop)


def test_what_is_near_to_a_known_play_ends_well(loop: Loop) -> None:
    """Bytes by chance are hardly ever a request: these reach services."""
    reached = 0
    for script in near(SEEDS, 400):
        stage, complaints = perform(list(decode(script)), loop)
        assert ([], []) == (complaints, list(judge(stage))), script
        reached += bool(stage.service_wires)

    assert reached > 100
