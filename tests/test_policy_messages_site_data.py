"""The cookies that a service has set: all of them can be deleted, and of each there is one."""

import pytest

from authproxy.policy.messages.origin_mapping import Home
from authproxy.policy.messages.site_data import MAX_SEEN, SiteData

HERE = Home(services=(b"https://billing.example",), client=b"http://localhost:8080")
SHARED = Home(services=HERE.services, client=HERE.client, prefix=b"/billing", mark=b"billing")
IN_TLS = Home(services=HERE.services, client=b"https://localhost:8443")
ALONE = Home(services=HERE.services, client=b"https://billing.example")
GONE = b"Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
CLEAR = (b"clear-site-data", b'"cookies"')


def seen(*cookies: bytes, home: Home = HERE, target: bytes = b"/a/b?c/d") -> SiteData:
    site = SiteData()
    for cookie in cookies:
        assert [] == site.more([(b"set-cookie", cookie)], home, target)
    return site


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        (b"a=1; Path=/x; Domain=y", b"a=; %b; Path=/x" % GONE),
        (b"a=1", b"a=; %b; Path=/a" % GONE),
        (b"a=1; Path=x", b"a=; %b; Path=/a" % GONE),
        (b"s=1; Path=/; HttpOnly; Secure", b"authproxy..s=; %b; Path=/; HttpOnly" % GONE),
        (b"__Host-s=1; Path=/; Secure", b"authproxy..__Host-s=; %b; Path=/" % GONE),
    ],
)
def test_what_was_set_is_expired(cookie: bytes, expected: bytes) -> None:
    assert [expected] == seen(cookie).more([CLEAR], HERE, b"/logout")


def test_it_is_expired_by_the_names_that_it_has_for_each_client() -> None:
    site = seen(b"a=1; Path=/x; HttpOnly; Partitioned", b"__Host-b=2; Path=/", home=SHARED)

    assert [
        b"authproxy.billing.a=; %b; Path=/billing/x; HttpOnly" % GONE,
        b"authproxy.billing.__Host-b=; %b; Path=/billing" % GONE,
    ] == site.more([CLEAR], SHARED, b"/")
    assert [
        b"a=; %b; Path=/x; HttpOnly; Secure; SameSite=None; Partitioned" % GONE,
        b"__Host-b=; %b; Path=/; Secure; SameSite=None" % GONE,
    ] == site.more([CLEAR], IN_TLS, b"/")


def test_without_a_path_it_is_that_of_the_service() -> None:
    expected = [b"authproxy.billing.a=; %b; Path=/billing" % GONE]

    assert expected == seen(b"a=1", home=SHARED).more([CLEAR], SHARED, b"/")


def test_a_service_below_a_path_has_its_cookies_below_it() -> None:
    below = Home(services=(b"https://lb.example/billing",), client=HERE.client)
    site = seen(b"a=1", b"b=2; Path=/billing/x", home=below, target=b"/billing/a/b")

    assert [b"a=; %b; Path=/a" % GONE, b"b=; %b; Path=/x" % GONE] == site.more(
        [CLEAR], below, b"/billing/logout"
    )


@pytest.mark.parametrize(
    ("value", "home"),
    [(b'"storage"', HERE), (b"cookies", HERE), (b'"cookies"', ALONE), (b'"*"', ALONE)],
)
def test_nothing_else_is_expired(value: bytes, home: Home) -> None:
    assert [] == seen(b"a=1").more([(b"clear-site-data", value)], home, b"/")


def test_what_the_same_answer_sets_is_cleared_as_well() -> None:
    """As browsers do it, whichever field comes first."""
    cookie = (b"set-cookie", b"a=1; Path=/")

    for fields in ([cookie, CLEAR], [CLEAR, cookie]):
        assert [b"a=; %b; Path=/" % GONE] == SiteData().more(fields, HERE, b"/")


def test_a_cookie_without_a_name_is_expired_by_one_that_browsers_take() -> None:
    assert [b"=-; %b; Path=/" % GONE] == seen(b"=v; Path=/").more([CLEAR], HERE, b"/")


def test_everything_is_cookies_too() -> None:
    assert 1 == len(seen(b"a=1").more([(b"clear-site-data", b'"cache", "*"')], HERE, b"/"))


def test_what_is_remembered_has_a_bound() -> None:
    site = seen(*(b"a%d=1" % number for number in range(MAX_SEEN + 9)), b"b" * 999 + b"=1")
    found = site.more([CLEAR], HERE, b"/")

    assert MAX_SEEN == len(found)
    assert found[-1].startswith(b"a%d=;" % (MAX_SEEN + 8))
    assert f"<SiteData [{MAX_SEEN} cookies]>" == repr(site)


@pytest.mark.parametrize(
    "deletion", [b"s=; Path=/", b"s=x; Max-Age=0; Path=/", b"s=; expires=Thu, 01 Jan 1970; Path=/"]
)
def test_who_deletes_a_cookie_need_not_say_that_scripts_could_not_read_it(deletion: bytes) -> None:
    """Django, Rails and Express do not; nor need we have seen how it was set."""
    expected = [b"authproxy..s=; %b; Path=/; HttpOnly" % GONE]

    assert expected == SiteData().more([(b"set-cookie", deletion)], HERE, b"/")
    for other in (SHARED, IN_TLS):
        assert [] == SiteData().more([(b"set-cookie", deletion)], other, b"/")


def test_a_cookie_that_scripts_may_read_from_now_on_is_one_cookie() -> None:
    site = seen(b"s=1; Path=/; HttpOnly")

    assert [] == site.more([(b"set-cookie", b"s=2; Path=/; HttpOnly")], HERE, b"/")
    assert [b"authproxy..s=; %b; Path=/; HttpOnly" % GONE] == site.more(
        [(b"set-cookie", b"s=3; Path=/")], HERE, b"/"
    )


def test_a_cookie_that_has_become_too_long_for_our_name_is_one_cookie() -> None:
    long = b"s=%b; Path=/; HttpOnly" % (b"x" * 4090)

    assert [b"authproxy..s=; %b; Path=/; HttpOnly" % GONE] == SiteData().more(
        [(b"set-cookie", long)], HERE, b"/"
    )


def test_cookies_that_are_lost_are_named_once() -> None:
    site = SiteData()
    fields = [
        (b"set-cookie", b"__Host-%b=%b; Path=/" % (name, b"x" * size))
        for name, size in ((b"fits", 4060), (b"lost", 4080), (b"never-fit", 5000))
    ]

    assert [b"__Host-lost"] == site.find_too_long(fields, HERE)
    assert [] == site.find_too_long(fields, HERE)
    assert [] == SiteData().find_too_long(fields, IN_TLS)
    assert [b"__Host-lost"] == SiteData().find_too_long(fields, SHARED)
