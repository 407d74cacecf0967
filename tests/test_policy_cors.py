import pytest

from authproxy.errors import Code
from authproxy.policy.cors import answer_lines, is_preflight, preflight
from authproxy.policy.facts import RequestFacts


def test_the_answer_names_the_one_origin_that_asked() -> None:
    assert answer_lines(b"https://good.example") == (
        b"Access-Control-Allow-Origin: https://good.example\r\n"
        b"Access-Control-Allow-Credentials: true\r\n"
        b"Access-Control-Expose-Headers: *\r\nVary: Origin\r\n"
    )


@pytest.mark.parametrize(
    ("method", "asked", "expected"),
    [(b"OPTIONS", b"PUT", True), (b"OPTIONS", b"", False), (b"GET", b"PUT", False)],
)
def test_a_preflight_asks_about_a_method(method: bytes, asked: bytes, expected: bool) -> None:
    assert expected is is_preflight(method, asked)


def test_a_preflight_is_answered_with_what_it_asked_for() -> None:
    facts = RequestFacts()
    facts.origin, facts.preflight_method = b"https://good.example", b"PUT"
    plain = preflight(facts)
    facts.preflight_fields, facts.preflight_network = b"x-one, content-type", True
    more = preflight(facts)

    assert (Code.PREFLIGHT, 204) == (plain.code, plain.status)
    assert {
        "Access-Control-Allow-Origin": "https://good.example",
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "PUT",
        "Access-Control-Max-Age": "600",
        "Vary": "Origin",
    } == plain.fields
    assert {
        "Access-Control-Allow-Headers": "x-one, content-type",
        "Access-Control-Allow-Private-Network": "true",
    } == {name: more.fields[name] for name in more.fields.keys() - plain.fields.keys()}
