import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.values import (
    AdminSpec,
    Listen,
    Origin,
    parse_admin,
    parse_host_name,
    parse_listen,
    parse_origin,
)

LABELS = st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
HOSTS = st.one_of(
    st.lists(LABELS, min_size=1, max_size=4).map(".".join),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
)
PORTS = st.integers(min_value=1, max_value=65535)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.run.app", Origin("https", "a.run.app", 443)),
        (" HTTPS://A.Run.App./ ", Origin("https", "a.run.app", 443)),
        ("https://a.run.app:8443/", Origin("https", "a.run.app", 8443)),
        ("http://localhost:9000", Origin("http", "localhost", 9000)),
        ("http://[0::1]", Origin("http", "::1", 80)),
        ("https://LB.example/Billing/", Origin("https", "lb.example", 443, "/Billing")),
        ("https://lb.example:1/a/b-c.d", Origin("https", "lb.example", 1, "/a/b-c.d")),
    ],
)
def test_a_services_address_is_read(text: str, expected: Origin) -> None:
    assert expected == parse_origin(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a.run.app", '"a.run.app" is not a URL; write https://a.run.app'),
        (
            "billing",
            '"billing" is not a URL; write https://billing, or PROJECT/REGION/billing for a Cloud'
            " Run service by its name",
        ),
        ("a.run.app/x", '"a.run.app/x" is not a URL; write https://a.run.app'),
        ("", '"" is not a URL; write https://SERVICE.run.app'),
        ("://a", '"://a" is not a URL; write https://SERVICE.run.app'),
        ("ftp://a", 'the scheme must be https, not "ftp"'),
        (
            "https://bob:hunter2@a",
            "a user name or password in a URL (anything with @) is not supported",
        ),
        ("https://", '"" is not a host name; write https://SERVICE.run.app'),
        ("https://a b", '"a b" is not a host name; write https://SERVICE.run.app'),
        ("https://[::1", '"[::1" is not a host name; write https://SERVICE.run.app'),
        ("https://a:0", "the port must be a number from 1 to 65535"),
        ("https://a:http", '"http" is not a port; write a number from 0 to 65535'),
        (
            "https://a.run.app/path/?q",
            "a service's address has no query and no fragment; write https://a.run.app/path",
        ),
        (
            "https://a.run.app#x",
            "a service's address has no query and no fragment; write https://a.run.app",
        ),
        (
            "https://a.run.app/x/../y",
            '"/x/../y" is not allowed in a service\'s address; write a path as in'
            " https://a.run.app/billing, without empty names, dots as names and %",
        ),
        (
            "https://a.run.app//x",
            '"//x" is not allowed in a service\'s address; write a path as in'
            " https://a.run.app/billing, without empty names, dots as names and %",
        ),
        (
            "https://a.run.app/%2e",
            '"/%2e" is not allowed in a service\'s address; write a path as in'
            " https://a.run.app/billing, without empty names, dots as names and %",
        ),
    ],
)
def test_what_is_no_address_of_a_service_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- the whole sentence is compared
        parse_origin(text)

    assert sentence == str(caught.value)


@given(st.sampled_from(["http", "https"]), HOSTS, PORTS, st.sampled_from(["", "/a", "/a/b.c"]))
def test_an_origin_survives_its_own_text(scheme: str, host: str, port: int, path: str) -> None:
    origin = Origin("https" if scheme == "https" else "http", host, port, path)

    assert origin == parse_origin(str(origin))


@pytest.mark.parametrize(
    ("origin", "authority", "audience"),
    [
        (Origin("https", "a.run.app", 443), "a.run.app", "https://a.run.app"),
        (Origin("https", "a.run.app", 444), "a.run.app:444", "https://a.run.app:444"),
        (Origin("https", "tag---a.run.app", 443), "tag---a.run.app", "https://a.run.app"),
        (Origin("http", "::1", 80), "[::1]", "http://[::1]"),
        (Origin("https", "lb.example", 443, "/a"), "lb.example", "https://lb.example"),
    ],
    ids=str,
)
def test_the_audience_is_the_origin_without_a_traffic_tag(
    origin: Origin, authority: str, audience: str
) -> None:
    assert (authority, audience) == (origin.authority, origin.audience)


def test_an_origin_knows_whether_it_is_this_machine() -> None:
    found = [parse_origin(text).is_loopback for text in ("http://127.0.0.1", "http://127.a.b")]

    assert [True, False] == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8080", Listen("localhost", 8080)),
        ("0", Listen("localhost", 0)),
        ("localhost", Listen("localhost", None)),
        (" 0.0.0.0:80 ", Listen("0.0.0.0", 80)),
        ("::", Listen("::", None)),
        ("[0::0]:80", Listen("::", 80)),
        ("fe80::1%eth0", Listen("fe80::1%eth0", None)),
        ("[fe80::1%eth0]:80", Listen("fe80::1%eth0", 80)),
        ("unix:/run/a.sock", Listen(path=Path("/run/a.sock"))),
    ],
)
def test_where_to_listen_is_read(text: str, expected: Listen) -> None:
    assert expected == parse_listen(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            ":8080",
            '":8080" names no address; write localhost:8080 for this machine only, 0.0.0.0:8080 for'
            " every network",
        ),
        (
            "*:80",
            '"*:80" names no address; write localhost:80 for this machine only, 0.0.0.0:80 for'
            " every network",
        ),
        ("", '"" is not an address; write HOST:PORT, PORT, [IPV6]:PORT or unix:PATH'),
        ("unix:", "needs a path, as in unix:/run/authproxy.sock"),
        ("70000", '"70000" is not a port; write a number from 0 to 65535'),
        ("localhost:x", '"x" is not a port; write a number from 0 to 65535'),
    ],
)
def test_where_nobody_can_listen_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- the whole sentence is compared
        parse_listen(text)

    assert sentence == str(caught.value)


@given(HOSTS, st.one_of(st.none(), st.integers(min_value=0, max_value=65535)))
def test_a_listener_survives_its_own_text(host: str, port: int | None) -> None:
    if port is None and "." not in host and ":" not in host:
        host += ".example"  # a word by itself is more often no address
    listen = Listen(host, port)

    assert listen == parse_listen(str(listen))


def test_localhost_is_two_addresses() -> None:
    assert ("127.0.0.1", "::1") == parse_listen("localhost:80").hosts
    assert ("10.0.0.1",) == parse_listen("10.0.0.1:80").hosts


def test_a_unix_listener_survives_its_own_text() -> None:
    listen = Listen(path=Path("/run/a.sock"))

    assert listen == parse_listen(str(listen))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("localhost:1", True), ("unix:/x", True), ("0.0.0.0:1", False), ("a.example:1", False)],
)
def test_a_listener_knows_whether_others_reach_it(text: str, expected: bool) -> None:
    assert expected == parse_listen(text).is_loopback


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Proxy.Example.", "proxy.example"), ("[0::1]", "::1"), ("::1", "::1"), (" a ", "a")],
)
def test_a_host_name_is_read(text: str, expected: str) -> None:
    assert expected == parse_host_name(text)


@pytest.mark.parametrize("text", ["a:80", "https://a", "a/b", "[a]", "", "*.a.example"])
def test_what_is_no_host_name_is_refused(text: str) -> None:
    sentence = f'"{text}" is not a host name; write it without scheme, port and path'
    with pytest.raises(ValueError, match=re.escape(sentence)):
        parse_host_name(text)


@pytest.mark.parametrize("parse", [parse_origin, parse_listen, parse_host_name])
@given(text=st.text() | st.text(alphabet="htps:/[]@.%0123456789abf-") | HOSTS)
def test_nothing_but_a_value_error_comes_of_any_text(
    parse: Callable[[str], object], text: str
) -> None:
    with suppress(ValueError):
        parse(text)


def test_an_abstract_name_is_no_path() -> None:
    listen = parse_listen("unix:@authproxy/1")

    assert (True, "unix:@authproxy/1", True) == (
        listen.is_abstract,
        str(listen),
        listen.is_loopback,
    )
    assert not parse_listen("unix:/a@b").is_abstract
    with pytest.raises(ValueError, match="is no abstract name; write unix:@ and up to 100"):
        parse_listen("unix:@a b")


@pytest.mark.parametrize("text", ["systemd", "systemd:web"])
def test_systemd_may_have_opened_the_sockets(text: str) -> None:
    listen = parse_listen(text)

    assert (text, text.partition(":")[2], True) == (
        str(listen),
        listen.inherited,
        listen.is_loopback,
    )


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("auto", "auto", "auto"),
        ("off", "off", "off"),
        (" OFF ", "off", "off"),
        ("none", "off", "off"),
        ("on", "at", "127.0.0.1:4040"),
        ("4041", "at", "localhost:4041"),
        ("127.0.0.1", "at", "127.0.0.1:4040"),
        ("0.0.0.0:9090", "at", "0.0.0.0:9090"),
        ("[::]:9090", "at", "[::]:9090"),
        ("unix:/run/a.sock", "at", "unix:/run/a.sock"),
        ("unix:@name", "at", "unix:@name"),
    ],
)
def test_an_admin_listener_is_written_like_any_other(text: str, kind: str, shown: str) -> None:
    spec = parse_admin(text)

    assert (kind, shown) == (spec.kind, str(spec))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("systemd", "is for listeners of clients; write 127.0.0.1:4040 or unix:PATH"),
        ("a b", "is not an address"),
        (":4040", "names no address"),
    ],
)
def test_what_is_no_address_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_admin(text)


def test_the_default_is_known_without_an_address() -> None:
    assert "127.0.0.1:4040" == str(AdminSpec("auto").listen)
