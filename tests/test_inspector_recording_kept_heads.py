import gc

from authproxy.exchange import SentHead
from authproxy.inspector.recording.kept_heads import (
    OVERHEAD,
    REMEMBERED,
    Head,
    Heads,
    MemoryAccount,
)
from tests.support.proxying import make_token
from tests.support.recorded import fields, redactor

SECRET = "s3cr3t-of-a-test"


def heads() -> tuple[Heads, MemoryAccount]:
    account = MemoryAccount()
    return Heads(redactor(), account), account


def sent(*lines: bytes, secret_names: frozenset[bytes] = frozenset()) -> SentHead:
    return SentHead(
        origin="https://service.example",
        method=b"GET",
        target=b"/",
        version="1.1",
        raw=b"".join(line + b"\r\n" for line in lines),
        token_line=b"Authorization: Bearer a.b.c",
        token=make_token(),
        secret_names=secret_names,
        opening=None,
    )


def test_head_is_kept_line_by_line() -> None:
    ours, _ = heads()

    head = ours.came(fields(("Host", "a.example"), ("Cookie", f"a={SECRET}"), ("X-Umlaut", "ü")))

    assert ["Host", "Cookie", "X-Umlaut"] == [name for name, _ in head.fields]
    assert ("a.example", "", "ü") == (head.get(b"host"), head.get(b"absent"), head.get(b"x-umlaut"))
    assert SECRET.encode() not in head.text


def test_head_that_repeats_is_kept_once() -> None:
    ours, account = heads()
    first = ours.came(fields(("Host", "a.example")))
    used = account.used

    again = [ours.came(fields(("Host", "a.example"))) for _ in range(100)]

    assert all(each is first for each in again)
    assert used == account.used == len(first.text) + OVERHEAD


def test_head_is_counted_until_nobody_has_it() -> None:
    account = MemoryAccount()
    head = Head(b"Host: a.example", account)
    other = head
    before = account.used

    del head
    gc.collect()
    between = account.used
    del other
    gc.collect()

    assert (135, 135, 0) == (before, between, account.used)


def test_secrets_of_the_configuration_are_known_by_their_field() -> None:
    ours, _ = heads()
    line = f"X-Plain: {SECRET}".encode()

    shown = ours.sent(sent(b"Host: a", line, secret_names=frozenset([b"x-plain"])))

    assert SECRET.encode() not in shown.text
    assert shown.get(b"x-plain").startswith("[redacted:")


def test_head_of_http2_is_read_from_pairs() -> None:
    ours, _ = heads()
    found = sent()
    pairs = ((b"host", b"a.example"), (b"cookie", SECRET.encode()))
    made = found._replace(raw=pairs)

    head = ours.sent(made)

    assert ("a.example", True) == (head.get(b"host"), SECRET.encode() not in head.text)


def test_what_is_remembered_is_bounded() -> None:
    ours, account = heads()

    for number in range(10 * REMEMBERED):
        ours.came(fields(("X-Number", str(number))))
        ours.target(b"/%d" % number)
    gc.collect()

    assert account.used <= REMEMBERED * (OVERHEAD + 20)


def test_target_is_kept_without_its_secret() -> None:
    ours, _ = heads()

    kept = {ours.target(f"/a?token={SECRET}".encode()) for _ in range(3)}

    assert 1 == len(kept)
    assert SECRET.encode() not in kept.pop()
