"""Which SETTINGS pass, and what they may say."""

import struct

import pytest

from authproxy.wire.http2.framing.frames import ConnectionFault, Failure
from authproxy.wire.http2.framing.settings import passing_settings, read_settings


def settings(*pairs: tuple[int, int]) -> bytes:
    return b"".join(struct.pack(">HL", number, value) for number, value in pairs)


def test_last_value_of_a_setting_counts() -> None:
    payload = settings((1, 0), (3, 5), (1, 65536))

    assert {1: 65536, 3: 5} == read_settings(payload, of_service=True)


@pytest.mark.parametrize(
    ("came", "passes"),
    [
        pytest.param((1, 0), (1, 0), id="no table"),
        pytest.param((1, 2**32 - 1), (1, 65536), id="huge table"),
        pytest.param((2, 0), None, id="push, which we speak of ourselves"),
        pytest.param((3, 100), (3, 100), id="streams"),
        pytest.param((3, 2**32 - 1), (3, 4096), id="more streams than we count"),
        pytest.param((4, 2**31 - 1), (4, 2**31 - 1), id="window"),
        pytest.param((5, 2**24 - 1), (5, 2**24 - 1), id="frame"),
        pytest.param((6, 8192), (6, 8192), id="list of fields"),
        pytest.param((8, 1), None, id="Extended CONNECT, which is refused"),
        pytest.param((9, 1), None, id="priorities, which only the first SETTINGS may name"),
        pytest.param((0xFE03, 1), None, id="gRPC's metadata as raw bytes"),
        pytest.param((0, 1), None, id="number 0"),
        pytest.param((7, 1), None, id="number 7"),
        pytest.param((0xFFFF, 1), None, id="the last number"),
    ],
)
def test_only_what_both_ends_can_keep_passes(
    came: tuple[int, int], passes: tuple[int, int] | None
) -> None:
    payload = settings((4, 1), came, (4, 2))

    kept = [(4, 1), *([passes] if passes else []), (4, 2)]
    assert settings(*kept) == passing_settings(payload)


@pytest.mark.parametrize(
    ("setting", "of_service", "failure"),
    [
        ((2, 2), False, Failure.PROTOCOL_ERROR),
        ((2, 1), True, Failure.PROTOCOL_ERROR),
        ((4, 2**31), False, Failure.FLOW_CONTROL_ERROR),
        ((4, 2**31), True, Failure.FLOW_CONTROL_ERROR),
        ((5, 16383), False, Failure.PROTOCOL_ERROR),
        ((5, 2**24), True, Failure.PROTOCOL_ERROR),
    ],
)
def test_value_out_of_range_ends_the_connection(
    setting: tuple[int, int], of_service: bool, failure: Failure
) -> None:
    with pytest.raises(ConnectionFault) as caught:
        read_settings(settings(setting), of_service=of_service)

    assert failure == caught.value.failure


def test_client_may_say_that_it_takes_pushes() -> None:
    assert {2: 1} == read_settings(settings((2, 1)), of_service=False)
