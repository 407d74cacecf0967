from email.utils import formatdate
from typing import Any

import pytest

from authproxy.identity.google.answering import NotingSkew, answer_of

ORDER: dict[str, Any] = {
    "source": "k",
    "audience": "https://a",
    "info": {"type": "service_account"},
    "impersonate": None,
    "delegates": [],
    "scopes": [],
    "egress": {"kind": "none"},
}


def test_a_mistake_in_the_credentials_is_the_answer() -> None:
    answer = answer_of({"mint": ORDER, "offset_s": 0, "number": 3})

    assert 3 == answer["number"]
    assert "k: the file's contents cannot be used" == answer["error"]["message"]
    assert answer["error"]["permanent"]
    assert [] == answer["heard"]


@pytest.mark.parametrize("question", [{}, {"mint": {}}, {"get": {"url": 1}}])
def test_what_nobody_foresaw_is_an_answer_without_its_text(question: dict[str, Any]) -> None:
    answer = answer_of({**question, "offset_s": 0, "number": 1})

    assert answer["error"]["message"].startswith("authproxy failed unexpectedly (")
    assert "report it" in answer["error"]["hint"]


def test_what_is_heard_of_the_time_is_noted_and_counts_at_once() -> None:
    skew = NotingSkew(5.0)
    date = formatdate(skew.clock() + 100, usegmt=True)

    skew.heard(None, sent_at=1.0)
    skew.heard(date, sent_at=skew.clock())

    assert [date] == [noted for noted, _ in skew.noted]
    assert 90 < skew.offset_s < 110
