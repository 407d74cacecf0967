"""Cookies there and back: what a service sets is what it gets, and nobody else's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.policy.messages.cookies import local_cookie, read_cookie, service_cookies


def plain(value: bytes, mark: bytes = b"", prefix: bytes = b"") -> bytes | None:
    return local_cookie(value, is_plain=True, prefix=prefix, mark=mark)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a=b", b"a=b"),
        (b"a=b; Max-Age=5", b"a=b; Max-Age=5"),
        (b"a=b; HttpOnly; Max-Age=5", b"authproxy..a=b; HttpOnly; Max-Age=5"),
        (b"a=b; httponly=x; Secure=yes", b"authproxy..a=b; httponly=x"),
        (b"a=b; SameSite=None; Domain =x; Partitioned=1", b"a=b"),
        (b"=b; HttpOnly", b"=b; HttpOnly"),
        (b"a=b; Domain=x.run.app; Path=/; Secure", b"a=b; Path=/"),
        (b"a=b; secure; SAMESITE = none; Partitioned", b"a=b"),
        (b"a=b; SameSite=Strict", b"a=b; SameSite=Strict"),
        (b"__Host-a=b; Path=/; Secure", b"authproxy..__Host-a=b; Path=/"),
        (b"__secure-a=b; Secure", b"authproxy..__secure-a=b"),
        (b"__HTTP-a=b; Secure; HttpOnly", b"authproxy..__HTTP-a=b; HttpOnly"),
        (b"__Host-Http-a=b; Secure; Path=/", b"authproxy..__Host-Http-a=b; Path=/"),
        (b"__Other-a=b", b"__Other-a=b"),
        (b"a", b"a"),
        (b"=b", b"=b"),
        (b'a="x=y"; Expires=Thu, 01 Jan 1970 00:00:00 GMT', None),
        (b"a=\xff", None),
    ],
)
def test_a_cookie_works_on_plain_localhost(value: bytes, expected: bytes | None) -> None:
    assert (expected or value) == plain(value)


def test_over_tls_a_cookie_stays_secure() -> None:
    value = b"__Host-a=b; Path=/; Secure; HttpOnly; SameSite=None; Domain=x"

    assert b"__Host-a=b; Path=/; Secure; HttpOnly; SameSite=None" == local_cookie(
        value, is_plain=False, prefix=b"", mark=b""
    )


def test_below_a_path_no_name_demands_the_root() -> None:
    """Browsers would drop it, over TLS too."""
    value = b"__Host-a=b; Path=/; Secure"
    kept = local_cookie(value, is_plain=False, prefix=b"/billing", mark=b"")

    assert b"authproxy..__Host-a=b; Path=/billing; Secure" == kept
    jar = b"authproxy..__Host-a=b"
    assert b"__Host-a=b" == service_cookies(jar, b"", is_plain=False, prefix=b"/billing")
    other = b"__Secure-a=b; Secure; Path=/x"
    assert b"__Secure-a=b; Secure; Path=/billing/x" == local_cookie(
        other, is_plain=False, prefix=b"/billing", mark=b""
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


@pytest.mark.parametrize("mark", [b"", b"billing"])
@pytest.mark.parametrize("prefix", [b"", b"/billing"])
@pytest.mark.parametrize("is_plain", [True, False])
@pytest.mark.parametrize(
    "value",
    [
        b"authproxy.other.session=forged",
        b" AuthProxy..__Host-session=forged",
        b"authproxy.other.session",
        b"=authproxy.other.session=forged",
        b" = \t authproxy.other.session=forged; HttpOnly",
        b"==authproxy.other.session=forged",
        b"\t=AUTHPROXY..session=forged; Secure",
    ],
)
def test_no_service_sets_a_cookie_in_our_name(
    value: bytes, mark: bytes, prefix: bytes, *, is_plain: bool
) -> None:
    assert local_cookie(value, is_plain=is_plain, prefix=prefix, mark=mark) is None


@given(st.text(" =\taAthproxyTHPROXY.;b", max_size=24), st.sampled_from([b"", b"billing"]))
def test_what_webkit_makes_of_a_cookie_is_in_our_name_only_if_we_gave_it(
    value: str, mark: bytes
) -> None:
    kept = plain(value.encode(), mark=mark)
    if kept is not None:
        returned = kept.partition(b";")[0].strip().removeprefix(b"=").strip()
        ours = b"authproxy.%b." % mark
        assert returned.startswith(ours) or not returned.lower().startswith(b"authproxy.")


def test_a_cookie_without_a_name_is_its_services_alone() -> None:
    for value in (b"=b=c", b"b"):
        kept = plain(value, mark=b"billing")
        assert kept is not None
        assert value.removeprefix(b"=") == service_cookies(kept, b"billing")
        assert service_cookies(kept, b"other") is None


@pytest.mark.parametrize("size", [4095, 4096])
def test_a_cookie_that_a_longer_name_would_make_too_long_keeps_its_own(size: int) -> None:
    value = b"s=" + b"x" * (size - 1)

    assert b"%b; HttpOnly" % value == plain(value + b"; HttpOnly")
    assert plain(b"s=%b; HttpOnly" % (b"x" * (4096 - 12))) == (
        b"authproxy..s=%b; HttpOnly" % (b"x" * (4096 - 12))
    )
    assert plain(b"s=%b; HttpOnly" % (b"x" * (4096 - 11))) == (
        b"s=%b; HttpOnly" % (b"x" * (4096 - 11))
    )


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


def test_what_another_port_of_the_host_sets_hides_no_session() -> None:
    """A page there, or a script anywhere on the host, could set the service's own name as well."""
    jar = b"s=evil; authproxy..s=good; t=1; s=worse; authproxy..__Host-u=2; __Host-u=3"

    assert b"s=good; t=1; __Host-u=2; __Host-u=3" == service_cookies(jar, b"")
    assert b"s=evil" == service_cookies(b"s=evil; authproxy.billing.s=good", b"")


@pytest.mark.parametrize("jar", [b"=authproxy.billing.s=1", b"a=b; = authproxy..s=1; c=d"])
def test_what_has_no_name_and_reads_as_ours_reaches_nobody(jar: bytes) -> None:
    for mark in (b"", b"billing"):
        assert service_cookies(jar, mark) in (None, b"a=b; c=d")


def test_over_tls_no_name_is_ours_where_the_host_is_not_shared() -> None:
    """They are of another authproxy, at a port without TLS."""
    jar = b"s=1; authproxy..s=2; authproxy.billing.t=3"

    assert b"s=1" == service_cookies(jar, b"", is_plain=False)
    assert b"s=1; t=3" == service_cookies(jar, b"billing", is_plain=False)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a=", True),
        (b'a=""; Path=/', True),
        (b"a=deleted; Max-Age=0", True),
        (b"a=b; max-age=-1", True),
        (b"a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT", True),
        (b"a=b; expires=Thu, 01-Jan-1970 00:00:01 GMT", True),
        (b"a=b; Max-Age=5; Expires=Tue, 19 Jan 2038 03:14:07 GMT", False),
        (b"a=b; Max-Age=0; Max-Age=5", False),
        (b"a=b", False),
    ],
)
def test_a_deletion_is_told(value: bytes, *, expected: bool) -> None:
    assert expected is read_cookie(value).is_deletion


def test_cookies_of_scripts_pass_and_those_of_others_do_not() -> None:
    jar = b"a=1; authproxy.billing.b=2; authproxy.other.c=3; d=4"

    assert b"a=1; b=2; d=4" == service_cookies(jar, b"billing")
    assert b"a=1; d=4" == service_cookies(jar, b"")
    assert service_cookies(b"authproxy.other.c=3", b"billing") is None
