import pytest

from authproxy.values import parse_bytes, parse_rate, parse_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("5m", 300),
        ("5 min", 300),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("250ms", 0.25),
        ("1.5 hours", 5400),
        ("2D", 172800),
        ("-5s", -5),
    ],
)
def test_a_duration_may_have_a_unit(text: str, seconds: float) -> None:
    assert seconds == parse_seconds(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("10MB", 10_000_000), ("64KiB", 65536), ("1.5 gib", 1610612736), ("100b", 100), ("2kB", 2000)],
)
def test_a_size_may_have_a_unit(text: str, size: int) -> None:
    assert size == parse_bytes(text)


@pytest.mark.parametrize(("text", "rate"), [("10/s", 10), ("600/min", 10), ("36 per hour", 0.01)])
def test_a_rate_may_have_a_unit(text: str, rate: float) -> None:
    assert rate == parse_rate(text)


@pytest.mark.parametrize("text", ["10", " 2.5 ", "-1", "1e3", "inf", "NaN"])
def test_what_has_no_unit_is_left_to_whoever_wants_a_number(text: str) -> None:
    assert [text.strip()] * 3 == [parse_seconds(text), parse_bytes(text), parse_rate(text)]


@pytest.mark.parametrize("text", ["", "soon", "5 parsecs", "10MB5s", "s"])
def test_another_unit_is_refused_with_those_that_there_are(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a number of seconds, .+ 30s, 5m, 1h, 250ms"):
        parse_seconds(text)
    with pytest.raises(ValueError, match=r"is not a number of bytes, .+ 64KiB, 10MB"):
        parse_bytes(text)
    with pytest.raises(ValueError, match=r"is not a number per second, .+ 10/s, 600/min"):
        parse_rate(text)


def test_a_unit_that_programs_read_in_two_ways_is_refused() -> None:
    with pytest.raises(ValueError, match="M is not clear: MB is of 1000, MiB of 1024"):
        parse_bytes("10M")


def test_a_part_of_a_byte_is_none() -> None:
    with pytest.raises(ValueError, match=r'"1\.0001kb" is no whole number of bytes'):
        parse_bytes("1.0001kb")


def test_a_size_beyond_all_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="is more than there is"):
        parse_bytes("9" * 400 + "MB")
