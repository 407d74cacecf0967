import gzip
import json

import pytest

from authproxy.inspector.bodies.content import (
    OVERHEAD,
    BodyType,
    DescribedBody,
    Form,
    WholeBody,
    nature_of,
    without_last_word,
)
from tests.support.recorded import fields, redactor

SECRET = b"s3cr3t-of-a-test"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))

FORMS: list[tuple[str, Form]] = [
    ("application/json", "json"),
    ("application/problem+json; charset=utf-8", "json"),
    ("application/x-ndjson", "json"),
    ("text/html", "text"),
    ("application/xml", "text"),
    ("image/svg+xml", "text"),
    ("text/javascript; charset=ISO-8859-1", "text"),
    ("application/x-www-form-urlencoded", "form"),
    ("text/event-stream", "events"),
    ("application/grpc+proto", "grpc"),
    ("application/grpc-web", "grpc"),
    ("image/png", "image"),
    ("multipart/form-data; boundary=x", "none"),
    ("application/octet-stream", "none"),
    ("text/plain; charset=utf-16", "none"),
    ("", "none"),
]


@pytest.mark.parametrize(("content_type", "form"), FORMS, ids=[name for name, _ in FORMS])
def test_content_type_says_how_a_body_is_kept(content_type: str, form: Form) -> None:
    nature = nature_of(fields(("Content-Type", content_type)))

    assert form == nature.form
    assert bool(nature.why) == (form == "none")


def whole(form: Form, *pieces: bytes, encoding: str = "", at_most: int = 10_000) -> WholeBody:
    body = WholeBody(
        BodyType(form, "image/png" if form == "image" else "x/y", encoding), redactor(), at_most
    )
    for piece in pieces:
        body.feed(piece)
    body.finish()
    return body


def split(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


JSON = b'{"access_token": "' + SECRET + b'", "page": 7}'
BODIES: list[tuple[str, Form, str, bytes]] = [
    ("JSON", "json", "", JSON),
    ("JSON in gzip", "json", "gzip", gzip.compress(JSON)),
    ("form", "form", "", b"password=" + SECRET + b"&page=7"),
    ("text", "text", "", b"page 7, token: " + SECRET),
    ("text that is JSON", "text", "", JSON),
    ("XML", "text", "", b"<a><Password>" + SECRET + b"</Password><page>7</page></a>"),
]


@pytest.mark.parametrize(
    ("form", "encoding", "data"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES]
)
def test_body_that_comes_byte_by_byte_is_kept_without_its_secret(
    form: Form, encoding: str, data: bytes
) -> None:
    body = whole(form, *split(data), encoding=encoding)

    assert b"[redacted:" in body.content

    assert b"7" in body.content
    assert SECRET not in body.content
    assert not body.can_be_sent
    assert {"complete": True, "truncated": False, "redacted": True, "size": len(data)}.items() <= (
        body.shown().items()
    )


@pytest.mark.parametrize("at_most", range(1, len(JSON), 3))
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_body_that_is_cut_off_gives_no_secret_away(at_most: int, encoding: str) -> None:
    data = gzip.compress(JSON) if encoding else JSON
    body = whole("json", data, encoding=encoding, at_most=at_most)

    assert SECRET[:6] not in body.content
    assert not body.can_be_sent


def test_body_without_a_secret_can_be_sent_again() -> None:
    body = whole("json", b'{"a":', b" 1}")

    assert (b'{"a": 1}', True) == (body.content, body.can_be_sent)


def test_nothing_of_a_body_is_shown_until_it_is_complete() -> None:
    body = WholeBody(BodyType("json", "application/json", ""), redactor(), 1000)
    body.feed(JSON)

    assert SECRET.decode() not in json.dumps(body.shown())
    assert "it is kept once it is complete" == body.shown()["omitted"]


@pytest.mark.parametrize(
    ("form", "encoding", "data", "why"),
    [
        ("json", "br, gzip", JSON, "content-encoding br, gzip cannot be read here"),
        ("json", "gzip", JSON, "the compressed content is broken"),
        ("text", "", b"a\0b", "it is not the text that its type promises"),
        ("image", "", JSON, "it is not the image that its type promises"),
        ("image", "", PNG + b"eyJhbGciOiJub25lIn0.eyJhIjoxfQ.c2ln", "the image has a secret in it"),
    ],
    ids=["encoding", "broken", "no text", "no image", "secret in an image"],
)
def test_what_cannot_be_searched_is_not_kept(
    form: Form, encoding: str, data: bytes, why: str
) -> None:
    body = whole(form, data, encoding=encoding)

    assert b"" == body.content
    assert str(body.shown()["omitted"]).startswith(why)
    assert not body.can_be_sent


def test_image_is_kept_as_it_is() -> None:
    assert PNG == whole("image", PNG).content


def test_what_a_body_takes_is_counted_and_bounded() -> None:
    body = WholeBody(BodyType("text", "text/plain", ""), redactor(), 1000)
    for _ in range(100):
        body.feed(b"words " * 100)

    during = body.held
    body.finish()

    assert OVERHEAD + 1000 <= during <= OVERHEAD + 1125
    assert body.held == OVERHEAD + len(body.content) <= OVERHEAD + 1000
    assert (60_000, True) == (body.shown()["size"], body.shown()["truncated"])


def test_body_that_is_not_kept_is_described() -> None:
    body = DescribedBody(nature_of(fields(("Content-Type", "multipart/form-data; boundary=b"))))
    body.feed(SECRET)
    body.finish()

    assert {
        "form": "none",
        "type": "multipart/form-data",
        "size": len(SECRET),
        "omitted": "content of type multipart/form-data is not searched for secrets",
    } == body.shown()


@pytest.mark.parametrize(
    ("text", "left"), [(b"one two thr", b"one two "), (b"one ", b"one "), (b"abc", b""), (b"", b"")]
)
def test_word_that_was_cut_off_is_left_out(text: bytes, left: bytes) -> None:
    assert left == without_last_word(text)
