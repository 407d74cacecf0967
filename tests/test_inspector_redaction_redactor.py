import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.exchange import make_field
from tests.support.recorded import redactor

SECRET = "s3cr3t-of-a-test"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl"

FIELDS = [
    ("Authorization", f"Bearer {SECRET}", "Bearer "),
    ("Authorization", SECRET, ""),
    ("Proxy-Authorization", f"Basic {SECRET}", "Basic "),
    ("X-Serverless-Authorization", f"Bearer {SECRET}", "Bearer "),
    ("X-Goog-IAP-JWT-Assertion", SECRET, ""),
    ("X-Api-Key", SECRET, ""),
    ("Mcp-Session-Id", SECRET, ""),
    ("X-Customer", SECRET, ""),
    ("Cookie", f"a={SECRET}; b={SECRET}", "a="),
    ("Cookie", SECRET, ""),
    ("Set-Cookie", f"sid={SECRET}; Path=/; HttpOnly", "; Path=/; HttpOnly"),
    ("Location", f"/next?code={SECRET}&page=1", "&page=1"),
    ("Referer", f"http://localhost/?token={SECRET}", "http://localhost/?token="),
    ("X-Debug", f"user=ann; password={SECRET}", "user=ann"),
    ("X-Any", f"it is {JWT} here", "it is "),
    ("Link", f"<https://user:{SECRET}@host/>", "@host/>"),
]


@pytest.mark.parametrize(
    ("name", "value", "left"),
    FIELDS,
    ids=[f"{n} {number}" for number, (n, _, _) in enumerate(FIELDS)],
)
def test_field_is_kept_without_its_secret(name: str, value: str, left: str) -> None:
    field = make_field(name.encode(), value.encode())

    line = redactor("X-Customer").line(field).decode()

    assert line.startswith(f"{name}: ")
    assert left in line
    assert "[redacted:" in line
    assert SECRET not in line
    assert JWT not in line


def test_field_without_a_secret_is_the_line_as_it_came() -> None:
    field = (b"accept", b"text/html", b"ACCEPT:   text/html")

    assert redactor().line(field) is field[2]


def test_name_that_the_configuration_gives_is_a_secret() -> None:
    field = make_field(b"X-Plain", SECRET.encode())

    assert SECRET.encode() not in redactor().line(field, frozenset([b"x-plain"]))


TARGETS = [
    (f"/a?token={SECRET}&page=2", "&page=2"),
    (f"/a?to%6Ben={SECRET}", "to%6Ben="),
    (f"/a?next=%2Fb%3Fkey%3D{SECRET}", "next="),
    (f"/a?X-Goog-Signature={SECRET}", "X-Goog-Signature="),
    (f"/a?state={{%22token%22:%22{SECRET}%22}}", "state="),
    (f"/files/{JWT}/x", "/files/"),
    (f"/a?q=1;password={SECRET}", "q=1;password="),
    (f"/a?{JWT}", "/a?"),
]


@pytest.mark.parametrize(("target", "left"), TARGETS, ids=[left for _, left in TARGETS])
def test_target_is_kept_without_its_secret(target: str, left: str) -> None:
    kept = redactor().target(target.encode()).decode()

    assert left in kept

    assert "[redacted:" in kept
    assert SECRET not in kept
    assert JWT not in kept


def test_equal_secrets_have_equal_digests_wherever_they_stand() -> None:
    ours = redactor()
    in_field = ours.line(make_field(b"Authorization", b"Bearer " + SECRET.encode()))
    in_query = ours.target(b"/?token=" + SECRET.encode())
    in_text = ours.text(b"password: " + SECRET.encode())

    digest = ours.digest(SECRET.encode())

    assert all(digest in each for each in (in_field, in_query, in_text))
    assert digest != redactor().digest(b"another")


def test_digests_of_two_runs_have_nothing_in_common() -> None:
    from authproxy.inspector.redaction.names import Names
    from authproxy.inspector.redaction.redactor import Redactor

    assert Redactor(Names()).digest(b"one") != Redactor(Names()).digest(b"one")


def test_secret_once_seen_under_its_name_is_known_anywhere() -> None:
    ours = redactor()
    ours.line(make_field(b"X-Api-Key", SECRET.encode()))

    assert SECRET.encode() not in ours.text(b"he said '" + SECRET.encode() + b"' aloud")
    assert not ours.is_clean(SECRET.encode())


def test_redacted_text_is_not_redacted_again() -> None:
    ours = redactor()
    once = ours.target(b"/?token=" + SECRET.encode())

    assert once == ours.target(once)


def test_number_of_known_secrets_is_bounded() -> None:
    ours = redactor()
    for number in range(5000):
        ours.named(b"secret-number-%d" % number)

    assert "<Redactor [4096 known]>" == repr(ours)


@given(st.binary(max_size=200))
def test_any_bytes_can_be_looked_at(data: bytes) -> None:
    ours = redactor()

    ours.text(data)
    ours.target(data)
    ours.line((b"cookie", data, b"Cookie: " + data))
    ours.line((b"set-cookie", data, b"Set-Cookie: " + data))


def test_what_was_clean_is_looked_at_again_once_a_secret_in_it_is_known() -> None:
    made = redactor()
    text = b"they said hunter2hunter2 once"
    first = made.is_clean(text), made.is_clean(text)
    made.named(b"hunter2hunter2")

    assert ((True, True), False) == (first, made.is_clean(text))
    assert b"hunter2hunter2" not in made.text(text)
