import pytest

from authproxy.inspector.redaction.shapes import SECRET, SIGN

JWT = b"eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl"
FOUND = [
    (b"Bearer abcdef123456", b"abcdef123456"),
    (b"authorization=Basic%20dXNlcjpwYXNz", b"dXNlcjpwYXNz"),
    (b"x " + JWT + b" y", JWT),
    (JWT[:30], JWT[:30]),
    (b"t=ya29.a0AfB_byC", b"ya29.a0AfB_byC"),
    (b"r=1//0gabcdefgh-IjK", b"1//0gabcdefgh-IjK"),
    (b"GOCSPX-abcdEFGH", b"GOCSPX-abcdEFGH"),
    (b"k=AIzaSyA1234567890abcdefghijklmnopqrstu", b"AIzaSyA1234567890abcdefghijklmnopqrstu"),
    (b"sk_live_4eC39HqLyjWDarjtT1zdp7dc", b"sk_live_4eC39HqLyjWDarjtT1zdp7dc"),
    (b"sk-proj-abcdefghijklmnop", b"sk-proj-abcdefghijklmnop"),
    (b"ghp_abcdefghij1234", b"ghp_abcdefghij1234"),
    (b"AKIAIOSFODNN7EXAMPLE", b"AKIAIOSFODNN7EXAMPLE"),
    (b"https://user:pa55@host/x", b"user:pa55"),
    (
        b"-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----",
        b"-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----",
    ),
]


@pytest.mark.parametrize(("text", "secret"), FOUND, ids=[text.decode()[:20] for text, _ in FOUND])
def test_secret_is_found_by_its_shape(text: bytes, secret: bytes) -> None:
    found = SECRET.search(text)

    assert found is not None

    assert found.lastindex
    assert secret == found[found.lastindex]
    assert SIGN.search(text), "what is looked for first must be in everything that is found"


@pytest.mark.parametrize(
    "text",
    [
        b"https://host.example/path",
        b"2024/01/12",
        b"task-1234567890123456",
        b"bearer",
        b"a@b.example",
    ],
)
def test_ordinary_text_is_left_alone(text: bytes) -> None:
    assert SECRET.search(text) is None
