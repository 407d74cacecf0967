import logging

import pytest

from authproxy.auth.google_answers import GoogleAnswers, response_head, turns_token_down
from authproxy.auth.named import named_places
from authproxy.demo.pages import CONTENT_TYPE, Page, forbidden, not_found, unauthorized
from authproxy.exchange import NO_TOKEN, ResponseHead, Token
from authproxy.settings import Settings
from tests.support.proxying import make_token

SETTINGS = Settings.model_validate({"services": {"a": {"url": "https://service.example"}}})
(NAMED,) = named_places(SETTINGS.services).values()


def head_of(page: Page) -> ResponseHead:
    fields = {
        "Server": "Google Frontend",
        "Content-Type": CONTENT_TYPE,
        "Content-Length": str(len(page.body)),
        **page.headers,
    }
    return response_head(page.status, [(k.encode(), v.encode()) for k, v in fields.items()])


def said_of(
    caplog: pytest.LogCaptureFixture, head: ResponseHead, token: Token, target: bytes = b"/a?b=c"
) -> list[str]:
    caplog.clear()
    GoogleAnswers(now=lambda: 1e9).tell(NAMED, token, head, target)
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (forbidden("/a"), "tester@example.com may not call this service"),
        (unauthorized("/a"), "a service does not accept the address"),
        (not_found(), "Google found no service at this address"),
    ],
)
def test_google_s_pages_are_explained_by_their_heads_alone(
    caplog: pytest.LogCaptureFixture, page: Page, words: str
) -> None:
    (line,) = said_of(caplog, head_of(page), make_token("t-1"))

    assert line.startswith(
        f"Google refused a request to https://service.example with {page.status}"
    )
    assert words in line


@pytest.mark.parametrize(
    "head",
    [
        response_head(200, []),
        response_head(404, [(b"Content-Type", b"text/html")]),
        response_head(401, [(b"WWW-Authenticate", b'Bearer error="invalid_token"')]),
    ],
)
def test_an_application_s_answers_are_its_own(
    caplog: pytest.LogCaptureFixture, head: ResponseHead
) -> None:
    assert not turns_token_down(head)
    assert [] == said_of(caplog, head, make_token("t-1"))


def test_a_request_without_a_token_is_called_that(caplog: pytest.LogCaptureFixture) -> None:
    (line,) = said_of(caplog, head_of(forbidden("/a")), NO_TOKEN)

    assert "(without a token)" in line


def test_the_same_is_said_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    times = iter((0.0, 59.0, 60.0, 61.0))
    answers = GoogleAnswers(now=lambda: 1e9, steady=lambda: next(times))
    for _ in range(4):
        answers.tell(NAMED, make_token("t-1"), head_of(not_found()), b"/")

    assert 2 == len(caplog.records)
