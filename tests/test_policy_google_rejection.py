"""Whose answer is it? The front end's pages are those of the pretend Cloud Run, byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.demo import pages
from authproxy.demo.pages import Page
from authproxy.exchange import Field, ResponseHead, make_field
from authproxy.policy.google.rejection import Rejection, is_token_rejection, judge, suspect

SERVER = make_field(b"Server", b"Google Frontend")
HTML = make_field(b"Content-Type", b"text/html; charset=UTF-8")
IAP = make_field(b"X-Goog-IAP-Generated-Response", b"true")


def head_of(page: Page) -> list[Field]:
    length = make_field(b"Content-Length", b"%d" % len(page.body.encode()))
    more = [make_field(name.encode(), value.encode()) for name, value in page.headers.items()]
    return [SERVER, HTML, length, *more]


PAGES = [
    (pages.forbidden("/path"), Rejection.NOT_INVOKER),
    (pages.unauthorized("/path"), Rejection.INVALID_TOKEN),
    (pages.not_found(), Rejection.NOT_FOUND),
    (pages.too_large(), Rejection.TOO_LARGE),
    (pages.no_instance(429), Rejection.ALL_BUSY),
    (pages.no_instance(500), Rejection.NO_INSTANCE),
    (pages.no_instance(503), Rejection.NO_INSTANCE),
]


@pytest.mark.parametrize(("page", "expected"), PAGES)
def test_the_front_ends_pages_are_known(page: Page, expected: Rejection) -> None:
    assert expected == judge(page.status, head_of(page), page.body.encode(), path=b"/path?q=1")


@pytest.mark.parametrize(("page", "expected"), PAGES)
def test_the_front_ends_pages_are_known_without_the_path(page: Page, expected: Rejection) -> None:
    assert expected == judge(page.status, head_of(page), page.body.encode())


@pytest.mark.parametrize("body", [b"", b"\n", b"\n<html><he"])
@pytest.mark.parametrize(
    ("page", "path", "expected"),
    [
        (pages.forbidden("/path"), b"/path?q=1", Rejection.NOT_INVOKER),
        (pages.forbidden("/a&b"), b"/a&b", Rejection.NOT_INVOKER),
        (pages.forbidden("/path"), b"/another", None),
        (pages.forbidden("/path"), None, None),
        (pages.unauthorized("/path"), None, Rejection.INVALID_TOKEN),
        (pages.not_found(), None, Rejection.NOT_FOUND),
        (pages.too_large(), b"/path", None),
        (pages.no_instance(503), b"/path", None),
    ],
)
def test_with_no_body_the_size_of_the_page_must_do(
    page: Page, path: bytes | None, expected: Rejection | None, body: bytes
) -> None:
    assert expected == judge(page.status, head_of(page), body, path=path)


def test_a_size_that_fits_does_not_make_up_for_another_body() -> None:
    page = pages.not_found()

    assert None is judge(404, head_of(page), b"<!doctype html>" + b" " * 257)


@pytest.mark.parametrize(
    ("field", "other"),
    [
        (SERVER, make_field(b"Server", b"nginx")),
        (SERVER, make_field(b"X-Server", b"Google Frontend")),
        (HTML, make_field(b"Content-Type", b"application/json")),
        (HTML, make_field(b"Content-Type", b"text/html")),
    ],
)
def test_another_server_or_type_is_the_applications(field: Field, other: Field) -> None:
    page = pages.forbidden("/")
    fields = [other if each == field else each for each in head_of(page)]

    assert None is judge(403, fields, page.body.encode(), path=b"/")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, b"<html><head><title>401 Unauthorized</title></head><body>Log in</body></html>"),
        (403, b"<h1>Error: Forbidden</h1>"),
        (404, b"<h1>Not Found</h1>"),
        (429, b"Rate exceeded. Come back tomorrow."),
        (500, b"<h1>Internal Server Error</h1>"),
        (503, b""),
    ],
)
def test_an_applications_own_html_is_its_own(status: int, body: bytes) -> None:
    fields = [SERVER, HTML, make_field(b"Content-Length", b"%d" % len(body))]

    assert None is judge(status, fields, body, path=b"/")


def test_a_page_under_another_status_is_the_applications() -> None:
    page = pages.forbidden("/")

    assert None is judge(404, head_of(page), page.body.encode(), path=b"/")


def test_a_refusal_that_an_application_passes_on_names_another_path() -> None:
    page = pages.forbidden("/inner")

    assert None is judge(403, head_of(page), page.body.encode(), path=b"/outer")


def test_unusual_paths_are_not_compared() -> None:
    page = pages.forbidden("/caf%C3%A9")

    assert Rejection.NOT_INVOKER == judge(403, head_of(page), page.body.encode(), path=b"/caf'e")


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (302, b"Invalid IAP credentials: empty token", Rejection.IAP_NO_TOKEN),
        (302, b"", Rejection.IAP_NO_TOKEN),
        (401, b"Invalid IAP credentials: empty token", Rejection.IAP_NO_TOKEN),
        (401, b"Invalid IAP credentials: Unable to parse JWT", Rejection.IAP_INVALID_TOKEN),
        (401, b"", Rejection.IAP_INVALID_TOKEN),
        (403, b"", Rejection.IAP_NOT_ALLOWED),
        (404, b"", None),
        (200, b"", None),
    ],
)
def test_identity_aware_proxy_names_itself(
    status: int, body: bytes, expected: Rejection | None
) -> None:
    assert expected == judge(status, [IAP, SERVER, HTML], body)


def test_a_redirect_to_googles_sign_in_may_be_an_applications() -> None:
    location = make_field(b"Location", b"https://accounts.google.com/o/oauth2/v2/auth?client_id=1")

    assert None is judge(302, [SERVER, HTML, location], b"")


@pytest.mark.parametrize("status", [200, 204, 301, 304, 400, 418, 502, 504])
def test_other_answers_are_not_looked_at(status: int) -> None:
    page = pages.forbidden("/")

    assert None is judge(status, head_of(page), page.body.encode(), path=b"/")


@pytest.mark.parametrize("status", [401, 403, 404, 413, 429, 500, 503])
def test_a_page_that_nobody_has_seen_is_suspected_by_its_head(status: int) -> None:
    front_end = [
        make_field(b"Server", b"Google Frontend"),
        make_field(b"Content-Type", b"text/html; charset=UTF-8"),
    ]

    assert suspect(status, front_end) is not None
    assert suspect(status, front_end[:1]) is None
    assert suspect(status, front_end[1:]) is None
    assert suspect(418, front_end) is None


# A token that the front end turns down

FRONT_END = (
    b'Bearer error="invalid_token" error_description="The access token could not be verified"'
)


def answering(status: int, *values: bytes, name: bytes = b"WWW-Authenticate") -> ResponseHead:
    fields: list[Field] = [(b"server", b"Server", b"Google Frontend")]
    fields += [make_field(name, value) for value in values]
    return ResponseHead(status, b"", fields)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        pytest.param(answering(401, FRONT_END), True, id="front end"),
        pytest.param(answering(401, b"Basic realm=x", FRONT_END), True, id="second of two"),
        pytest.param(answering(403, FRONT_END), False, id="another status"),
        pytest.param(answering(401), False, id="no field"),
        pytest.param(
            answering(401, b'Bearer error="invalid_token"'), False, id="application's own"
        ),
        pytest.param(
            answering(401, FRONT_END.replace(b"invalid_token", b"insufficient_scope")),
            False,
            id="another error",
        ),
        pytest.param(answering(401, FRONT_END, name=b"X-Other"), False, id="another field"),
        pytest.param(
            answering(401, b'Bearer error="invalid_token"', FRONT_END[29:]),
            False,
            id="in two halves",
        ),
    ],
)
def test_the_front_ends_rejection_is_told_from_the_applications(
    head: ResponseHead, expected: bool
) -> None:
    assert expected == is_token_rejection(head)


@given(st.integers(100, 599).filter(lambda status: status != 401), st.binary())
def test_no_other_answer_rejects_a_token(status: int, value: bytes) -> None:
    assert not is_token_rejection(answering(status, value, FRONT_END))
