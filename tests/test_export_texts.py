import re

import pytest

from authproxy.export.texts import literal, milliseconds


def test_a_path_is_matched_as_it_is_written() -> None:
    path = "/a.b$c(d)+e'f&g!h,i=j:k@l~m"

    assert re.fullmatch(literal(path), path)
    assert not re.fullmatch(literal("/a.b"), "/aXb")


@pytest.mark.parametrize(
    ("given", "told"), [(20.0, "20000ms"), (0.25, "250ms"), (0.0001, "1ms"), (0, "1ms")]
)
def test_times_are_whole_milliseconds_and_never_none(given: float, told: str) -> None:
    assert told == milliseconds(given)
