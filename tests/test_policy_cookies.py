"""Cookies there and back: what a service sets is what it gets, and nobody else's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.policy.cookies import local_cookie, service_cookies


def plain(value: bytes, mark: bytes = b"", prefix: bytes = b"") -> bytes | None:
    return local_cookie(value, is_plain=True, prefix=prefix, mark=mark)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a=b", b"a=b"),
        (b"a=b; HttpOnly; Max-Age=5", b"a=b; HttpOnly; Max-Age=5"),
        (b"a=b; Domain=x.run.app; Path=/; Secure", b"a=b; Path=/"),
        (b"a=b; secure; SAMESITE = none; Partitioned", b"a=b"),
        (b"a=b; SameSite=Strict", b"a=b; SameSite=Strict"),
        (b"__Host-a=b; Path=/; Secure", b"authproxy..__Host-a=b; Path=/"),
        (b"__secure-a=b; Secure", b"authproxy..__secure-a=b"),
        (b"a", b"a"),
        (b"=b", b"=b"),
        (b'a="x=y"; Expires=Thu, 01 Jan 1970 00:00:00 GMT', None),
        (b"a=\xff", None),
    ],
)
def test_a_cookie_works_on_plain_localhost(value: bytes, expected: bytes | None) -> None:
    assert (expected or value) == plain(value)


def test_over_tls_a_cookie_stays_secure() -> None:
    value = b"__Host-a=b; Path=/; Secure; SameSite=None; Domain=x"

    assert b"__Host-a=b; Path=/; Secure; SameSite=None" == local_cookie(
        value, is_plain=False, prefix=b"", mark=b""
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a=b", b"a=b; Path=/billing"),
        (b"a=b; Path=/", b"a=b; Path=/billing"),
        (b"a=b; Path=/x", b"a=b; Path=/billing/x"),
        (b"a=b; path=x", b"a=b; Path=/billing"),
    ],
)
def test_a_path_gets_the_prefix(value: bytes, expected: bytes) -> None:
    assert expected == plain(value, prefix=b"/billing")


def test_no_service_sets_a_cookie_in_our_name() -> None:
    assert plain(b"authproxy.other.session=forged") is None
    assert plain(b" AuthProxy..__Host-session=forged") is None


NAMES = st.text("abcXYZ_-.~!", min_size=1, max_size=12).filter(
    lambda name: not name.lower().startswith("authproxy.")
) | st.sampled_from(["__Host-a", "__Secure-b", "__HOST-c"])


@given(NAMES, st.text('abc="', max_size=8), st.sampled_from([b"", b"billing", b"other"]))
def test_a_service_gets_what_it_set_and_no_other_does(name: str, value: str, mark: bytes) -> None:
    pair = f"{name}={value}".encode()
    kept = plain(pair + b"; Secure", mark=mark)
    assert kept is not None
    jar = kept.partition(b";")[0]

    assert pair == service_cookies(jar, mark)
    for other in {b"", b"billing", b"other"} - {mark}:
        assert service_cookies(jar, other) in (None, pair if jar == pair else None)


def test_cookies_of_scripts_pass_and_those_of_others_do_not() -> None:
    jar = b"a=1; authproxy.billing.b=2; authproxy.other.c=3; d=4"

    assert b"a=1; b=2; d=4" == service_cookies(jar, b"billing")
    assert b"a=1; d=4" == service_cookies(jar, b"")
    assert service_cookies(b"authproxy.other.c=3", b"billing") is None
