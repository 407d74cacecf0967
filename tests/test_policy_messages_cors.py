import pytest

from authproxy.errors import Code
from authproxy.policy.messages.cors import answer_lines, is_preflight, preflight, settle
from authproxy.policy.messages.facts import RequestFacts
from authproxy.policy.messages.origin_mapping import Home, Url

REPORTS = b"https://reports.run.app"


def reports(url: Url) -> bytes | None:
    return REPORTS + b"/" if url.host == b"reports.localhost" else None


HOME = Home(
    services=(b"https://billing.run.app",), client=b"http://localhost:8080", find_address=reports
)


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


@pytest.mark.parametrize(
    ("page", "said", "lines", "gives_way"),
    [
        ("https://good.example", None, "all", "access-control-allow-credentials"),
        ("https://good.example", b"*", "", ""),
        ("https://good.example", b"https://good.example", "", ""),
        ("https://good.example", REPORTS, "", ""),
        ("http://reports.localhost:8080", REPORTS, "first", "access-control-allow-origin"),
        ("http://reports.localhost:8080", b"https://x.example", "", ""),
    ],
)
def test_the_service_speaks_for_itself_also_of_a_page_of_another_service_here(
    page: str, said: bytes | None, lines: str, gives_way: str
) -> None:
    cors = answer_lines(page.encode())
    whole = {"all": cors, "first": cors[: cors.index(b"\r\n") + 2], "": b""}

    expected = (whole[lines], frozenset([gives_way.encode()] if gives_way else []))
    assert expected == settle(cors, said, HOME)


def test_without_lines_there_is_nothing_to_settle() -> None:
    assert (b"", frozenset()) == settle(b"", b"*", HOME)
    assert (b"", frozenset()) == settle(answer_lines(b"http://a.example"), b"*", None)
