"""Whole heads by the table; what is remembered is not asked again."""

from authproxy.exchange import Field, make_field
from authproxy.policy.messages.origin_mapping import Home
from authproxy.policy.messages.rewriting import (
    LOCAL_FIELDS,
    MAX_KNOWN,
    MAX_KNOWN_BYTES,
    REQUEST_FIELDS,
    local_answer,
    local_value,
    service_request,
)


def home(prefix: bytes = b"") -> Home:
    services = (b"https://billing.run.app",)
    return Home(services=services, client=b"http://localhost:8080", prefix=prefix)


def fields(*lines: tuple[bytes, bytes]) -> list[Field]:
    return [make_field(*line) for line in lines]


def test_an_answer_keeps_order_case_and_what_is_not_in_the_table() -> None:
    answer = fields(
        (b"X-First", b"https://billing.run.app"),
        (b"LINK", b"</a>"),
        (b"Strict-Transport-Security", b"max-age=1"),
        (b"Set-Cookie", b"a=b; Domain=billing.run.app; Path=/"),
        (b"X-Last", b""),
    )
    expected = [
        b"X-First: https://billing.run.app",
        b"LINK: </one/a>",
        b"Set-Cookie: a=b; Path=/one",
        b"X-Last: ",
    ]

    assert expected == [line for _, _, line in local_answer(answer, home(b"/one"))]
    assert answer[0] is local_answer(answer, home())[0]


def test_a_request_is_what_the_service_would_see_of_its_own_pages() -> None:
    request = fields(
        (b"Origin", b"http://localhost:8080"),
        (b"referer", b"http://localhost:8080/billing/x"),
        (b"Cookie", b"authproxy..__Host-a=1; authproxy.other.b=2"),
        (b"Cookie", b"authproxy.other.c=3"),
        (b"X", b"http://localhost:8080"),
    )

    assert [
        b"Origin: https://billing.run.app",
        b"referer: https://billing.run.app/x",
        b"Cookie: __Host-a=1",
        b"X: http://localhost:8080",
    ] == [line for _, _, line in service_request(request, home(b"/billing"))]


def test_what_a_field_became_is_remembered_within_bounds() -> None:
    here = home()
    [field] = fields((b"Content-Security-Policy", b"img-src https://billing.run.app"))
    [first] = local_answer([field], here)

    assert first is local_answer([field], here)[0]
    for number in range(3 * MAX_KNOWN):
        local_answer(fields((b"Link", b"</%d>" % number)), here)
    assert len(here.known) <= MAX_KNOWN
    local_answer(
        fields((b"Link", b"</%b>" % (b"x" * MAX_KNOWN_BYTES)), (b"Set-Cookie", b"a=b")), here
    )
    assert not [name for name, value, _ in here.known if len(value) > 99 or name == b"set-cookie"]


def test_a_field_that_must_go_is_remembered_as_such() -> None:
    here = home()
    hsts = fields((b"Strict-Transport-Security", b"max-age=1"))

    assert [] == local_answer(hsts, here) == local_answer(hsts, here)


def test_one_value_by_its_name() -> None:
    assert b"http://localhost:8080/" == local_value(
        b"location", b"https://billing.run.app/", home()
    )
    assert b"https://billing.run.app/" == local_value(b"x", b"https://billing.run.app/", home())
    assert local_value(b"nel", b"{}", home()) is None


def test_of_what_authproxy_says_of_itself_only_a_loop_passes() -> None:
    said = [
        make_field(b"X-Authproxy-Error", b"refused"),
        make_field(b"X-Authproxy-Error", b"loop_detected"),
        make_field(b"X-Authproxy-Answer", b"healthy"),
    ]

    assert [b"loop_detected"] == [value for _, value, _ in local_answer(said, home())]


def test_names_are_in_lower_case() -> None:
    assert all(name == name.lower() for name in LOCAL_FIELDS | REQUEST_FIELDS)
