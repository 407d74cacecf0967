import json
from html.parser import HTMLParser

import httptools
import pytest

from authproxy.errors import STATUS_OF, AuthProxyError, Code, CredentialError, Refused
from authproxy.exchange import RequestHead, make_field
from authproxy.wire.replies import answer, render

REFUSED = Refused(
    "No service belongs to <b>.", code=Code.NO_ROUTE, hint='Ask for "a".', detail="secret rule"
)


class Parsed:
    """An answer as a client's parser sees it."""

    def __init__(self, data: bytes) -> None:
        self.headers: dict[str, str] = {}
        self.body = b""
        self.complete = False
        parser = httptools.HttpResponseParser(self)
        parser.feed_data(data)
        self.status = parser.get_status_code()

    def on_header(self, name: bytes, value: bytes) -> None:
        assert name.decode() not in self.headers
        self.headers[name.decode()] = value.decode()

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.complete = True


def reply(
    error: AuthProxyError,
    *,
    accept: bytes | None = None,
    method: bytes = b"GET",
    close: bool = False,
) -> bytes:
    fields = [] if accept is None else [make_field(b"Accept", accept)]
    connection = b"Connection: close\r\n" if close else b""
    head = RequestHead(method, b"/", "1.1", fields)
    made, size = render(error, head, "abc-7", connection=connection)
    assert size == len(made.partition(b"\r\n\r\n")[2])
    return made


def test_a_reply_is_text_word_for_word() -> None:
    body = b'No service belongs to <b>.\nAsk for "a".\n(authproxy: no_route, request abc-7)\n'
    expected = (
        b"HTTP/1.1 404 Not Found\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Length: %d\r\n"
        b"X-Authproxy-Error: no_route\r\n"
        b"Cache-Control: no-store\r\n"
        b"Connection: close\r\n\r\n"
    ) % len(body)

    assert expected + body == reply(REFUSED, close=True)


def test_without_a_hint_there_is_no_empty_line() -> None:
    error = Refused("No.", code=Code.BAD_REQUEST)

    expected = b"No.\n(authproxy: bad_request, request abc-7)\n"
    assert expected == Parsed(reply(error)).body


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "text/plain; charset=utf-8"),
        (b"", "text/plain; charset=utf-8"),
        (b"*/*", "text/plain; charset=utf-8"),
        (b"image/png", "text/plain; charset=utf-8"),
        (b"application/json", "application/json"),
        (b"Application/JSON; q=0.9", "application/json"),
        (b"application/problem+json", "application/json"),
        (b"text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        (b"TEXT/HTML", "text/html; charset=utf-8"),
    ],
)
def test_the_form_follows_what_the_client_accepts(accept: bytes | None, expected: str) -> None:
    assert expected == Parsed(reply(REFUSED, accept=accept)).headers["Content-Type"]


def test_json_has_code_message_hint_and_request() -> None:
    expected = {
        "error": "no_route",
        "message": "No service belongs to <b>.",
        "hint": 'Ask for "a".',
        "request_id": "abc-7",
    }
    assert expected == json.loads(Parsed(reply(REFUSED, accept=b"application/json")).body)


def test_a_page_escapes_what_it_quotes() -> None:
    texts: list[str] = []
    tags: list[str] = []

    class Page(HTMLParser):
        def handle_data(self, data: str) -> None:
            texts.append(data)

        def handle_starttag(self, tag: str, attrs: object) -> None:
            tags.append(tag)

    Page().feed(Parsed(reply(REFUSED, accept=b"text/html")).body.decode())
    assert "b" not in tags
    assert {"404 Not Found", "No service belongs to <b>.", 'Ask for "a".'} <= set(texts)
    assert "authproxy: no_route, request abc-7" in texts


@pytest.mark.parametrize("accept", [b"*/*", b"text/html", b"application/json"])
def test_what_is_for_the_log_is_not_shown_to_strangers(accept: bytes) -> None:
    assert b"secret rule" not in reply(REFUSED, accept=accept)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (b"application/grpc", 200),
        (b"application/grpc-web", 421),
        (b"application/connect+json", 421),
    ],
)
def test_a_browser_may_come_by_another_connection_with_its_call(kind: bytes, status: int) -> None:
    error = Refused("Elsewhere.", code=Code.ANOTHER_SERVICE)
    head = RequestHead(b"POST", b"/", "2", [make_field(b"content-type", kind)])

    assert status == answer(error, head, "abc-7").status


def test_who_speaks_tls_gets_an_alert_instead_of_words() -> None:
    error = AuthProxyError("No.", code=Code.TLS_UNEXPECTED)

    assert b"\x15\x03\x01\x00\x02\x02\x28" == reply(error)


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.TLS_UNEXPECTED])
@pytest.mark.parametrize("accept", [b"*/*", b"text/html", b"application/json"])
def test_every_code_makes_a_whole_answer(code: Code, accept: bytes) -> None:
    parsed = Parsed(reply(AuthProxyError("Ünlucky.", code=code, hint="Try."), accept=accept))

    assert parsed.complete
    assert STATUS_OF[code] == parsed.status
    mark, other = ("Error", "Answer") if parsed.status >= 400 else ("Answer", "Error")
    assert code == parsed.headers[f"X-Authproxy-{mark}"]
    assert f"X-Authproxy-{other}" not in parsed.headers
    assert "no-store" == parsed.headers["Cache-Control"]
    assert len(parsed.body) == int(parsed.headers.get("Content-Length", "0"))
    assert (STATUS_OF[code] == 204) == ("Content-Length" not in parsed.headers)
    assert "Connection" not in parsed.headers
    assert not {"Allow", "Retry-After"} & set(parsed.headers)


def test_an_answer_has_the_fields_that_the_error_asks_for() -> None:
    error = AuthProxyError("No.", code=Code.METHOD_NOT_ALLOWED, fields={"Allow": "GET"})

    assert "GET" == Parsed(reply(error)).headers["Allow"]


def test_head_gets_the_head_alone() -> None:
    head, _, _ = reply(REFUSED).partition(b"\r\n\r\n")

    assert head + b"\r\n\r\n" == reply(REFUSED, method=b"HEAD")


def test_who_needs_a_token_hears_when_to_come_again() -> None:
    error = CredentialError("No token.", retry_after_s=30)

    assert "30" == Parsed(reply(error)).headers["Retry-After"]
    assert "Retry-After" not in Parsed(reply(REFUSED)).headers


def test_a_page_makes_no_browser_ask_for_its_icon() -> None:
    """The service would be asked, with the user's identity."""
    assert b'<link rel="icon" href="data:,">' in reply(REFUSED, accept=b"text/html")
