"""What a question says of a request, and which questions say nothing."""

import pytest

from authproxy.authorizer.questions import read_question
from authproxy.errors import Code, Refused
from authproxy.exchange import Field, make_field

GOOD = {
    "X-Forwarded-Method": "POST",
    "X-Forwarded-Uri": "/a%2Fb?c=d",
    "X-Forwarded-Host": "billing.example.com",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": "192.0.2.1",
}


def fields(*more: tuple[str, str], without: str = "", **others: str) -> list[Field]:
    given = [(name, value) for name, value in GOOD.items() if name != without]
    changed = [(name, others.get(name.rpartition("-")[2].lower(), value)) for name, value in given]
    return [make_field(name.encode(), value.encode()) for name, value in (*changed, *more)]


def test_the_request_is_the_one_that_the_proxy_names() -> None:
    asked = [("Host", "127.0.0.1:9191"), ("Forwarded", "for=10.0.0.1"), ("X-Own", "kept")]

    head = read_question(fields(*asked))

    assert (b"POST", b"/a%2Fb?c=d") == (head.method, head.target)
    assert {
        b"host": b"billing.example.com",
        b"x-forwarded-proto": b"https",
        b"x-forwarded-for": b"192.0.2.1",
        b"x-own": b"kept",
    } == {name: value for name, value, _ in head.headers}


@pytest.mark.parametrize("name", GOOD)
def test_none_of_the_five_may_be_missing_or_empty(name: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_question(fields(without=name))

    assert Code.BAD_REQUEST == refusal.value.code
    assert name in refusal.value.message
    assert "is missing" in refusal.value.message


@pytest.mark.parametrize("name", [name for name in GOOD if name != "X-Forwarded-For"])
def test_none_may_be_there_twice_since_one_could_be_the_clients(name: str) -> None:
    with pytest.raises(Refused, match=f"{name} is there more than once"):
        read_question(fields((name.lower(), GOOD[name])))


@pytest.mark.parametrize(
    "more", [{"method": "GET / HTTP/1.1"}, {"method": "(x)"}, {"uri": "/a b"}, {"uri": "/a\tb"}]
)
def test_what_is_no_method_or_target_is_no_question(more: dict[str, str]) -> None:
    with pytest.raises(Refused, match="are no method and target"):
        read_question(fields(**more))


def test_another_scheme_than_these_two_is_no_question() -> None:
    with pytest.raises(Refused, match="must be http or https"):
        read_question(fields(proto="wss"))


@pytest.mark.parametrize("name", ["Content-Length", "Transfer-Encoding"])
def test_a_body_is_not_waited_for(name: str) -> None:
    with pytest.raises(Refused, match="it has a body"):
        read_question(fields((name, "5")))
