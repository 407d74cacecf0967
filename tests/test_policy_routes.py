import string
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.errors import Code, Refused
from authproxy.policy.access.networks import Address
from authproxy.policy.routes import Route, Routes, Target, parse_host

LOCAL = ip_address("192.0.2.1")
ONE = Routes(
    {"billing": Target(service="billing", hosts=("billing.example",))}, hosts=("proxy.example",)
)
TWO = Routes(
    {
        "billing": Target(service="billing", hosts=("billing.example", "2001:db8::7")),
        "orders": Target(service="orders"),
    },
    hosts=("proxy.example",),
)


def found(
    routes: Routes[str], host: str, target: bytes = b"/", local: Address | None = LOCAL
) -> str:
    route = routes.get(host, local).find(target)
    return "" if route is None else route.service


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        (b"localhost", "localhost"),
        (b"LocalHost:8080", "localhost"),
        (b" localhost ", "localhost"),
        (b"localhost:", "localhost"),
        (b"localhost:0", "localhost"),
        (b"a.example.", "a.example"),
        (b"a.example.:80", "a.example"),
        (b"127.0.0.1:80", "127.0.0.1"),
        (b"my_host", "my_host"),
        (b"[::1]", "::1"),
        (b"[::1]:8080", "::1"),
        (b"[0:0:0:0:0:0:0:1]", "::1"),
        (b"[2001:DB8::0:1]", "2001:db8::1"),
        (b"[::ffff:127.0.0.1]:80", "127.0.0.1"),
        (b"a" * 253, "a" * 253),
    ],
)
def test_a_host_is_read_without_its_port(authority: bytes, expected: str) -> None:
    assert expected == parse_host(authority)


@pytest.mark.parametrize(
    "authority",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b" ", id="space"),
        pytest.param(b".", id="a dot"),
        pytest.param(b":80", id="no host"),
        pytest.param(b"user@localhost", id="user"),
        pytest.param(b"user:password@localhost", id="user and password"),
        pytest.param(b"localhost@evil.example", id="user that looks like a host"),
        pytest.param(b"localhost:80@evil.example", id="user that looks like an authority"),
        pytest.param(b"localhost:8o80", id="port with a letter"),
        pytest.param(b"localhost:+80", id="port with a sign"),
        pytest.param(b"localhost:80:80", id="two ports"),
        pytest.param(b"localhost 80", id="space inside"),
        pytest.param(b"localhost,evil.example", id="two hosts"),
        pytest.param(b"localhost/x", id="path"),
        pytest.param(b"localhost#x", id="fragment"),
        pytest.param(b"localhost\\x", id="backslash"),
        pytest.param(b"local\thost", id="tab"),
        pytest.param(b"local\x1b[31mhost", id="escape"),
        pytest.param(b"loc%61lhost", id="percent"),
        pytest.param("bücher.example".encode(), id="not ASCII"),
        pytest.param(b"::1", id="IPv6 without brackets"),
        pytest.param(b"[::1", id="bracket left open"),
        pytest.param(b"[::1]80", id="port without a colon"),
        pytest.param(b"[127.0.0.1]", id="IPv4 in brackets"),
        pytest.param(b"[localhost]", id="name in brackets"),
        pytest.param(b"[v1.x:y]", id="address of the future"),
        pytest.param(b"[fe80::1%eth0]", id="zone"),
        pytest.param(b"[]", id="empty brackets"),
        pytest.param(b"a" * 254, id="too long"),
    ],
)
def test_what_is_no_host_is_refused(authority: bytes) -> None:
    with pytest.raises(Refused) as caught:
        parse_host(authority)

    assert "The Host header is not a host name with an optional port." == str(caught.value)
    assert "Send one Host header, as in `Host: localhost:8080`." == caught.value.hint
    assert (400, Code.BAD_REQUEST) == (caught.value.status, caught.value.code)


@given(st.one_of(st.binary(), st.text(string.printable).map(str.encode)))
def test_a_host_is_plain_or_refused_and_nothing_else(authority: bytes) -> None:
    try:
        host = parse_host(authority)
    except Refused:
        return

    assert set(host) <= set(string.ascii_lowercase + string.digits + ".-_:")
    assert 0 < len(host) <= 253


@given(st.ip_addresses(), st.integers(0, 65535))
def test_every_address_is_a_host(address: Address, port: int) -> None:
    text = f"[{address.exploded}]" if address.version == 6 else str(address)

    expected = getattr(address, "ipv4_mapped", None) or address
    assert str(expected) == parse_host(f"{text}:{port}".encode())


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", "billing"),
        ("127.0.0.1", "billing"),
        ("127.9.9.9", "billing"),
        ("::1", "billing"),
        ("192.0.2.1", "billing"),
        ("proxy.example", "billing"),
        ("billing.example", "billing"),
        ("billing.localhost", "billing"),
        ("anything.localhost", "billing"),
    ],
)
def test_one_service_answers_to_all_names_of_the_listener(host: str, expected: str) -> None:
    assert expected == found(ONE, host)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("billing.localhost", "billing"),
        ("orders.localhost", "orders"),
        ("billing.example", "billing"),
        ("2001:db8::7", "billing"),
    ],
)
def test_several_services_are_told_apart_by_name(host: str, expected: str) -> None:
    assert expected == found(TWO, host)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "192.0.2.1", "proxy.example"])
def test_a_name_that_all_services_share_leads_to_none_of_several(host: str) -> None:
    refusal = TWO.no_route(host)

    assert "" == found(TWO, host)
    assert f"No service belongs to {host}." == str(refusal)
    assert (
        "Ask for one of the services by name: billing.localhost, orders.localhost" == refusal.hint
    )
    assert (404, Code.NO_ROUTE) == (refusal.status, refusal.code)


@pytest.mark.parametrize("routes", [ONE, TWO], ids=["one service", "two services"])
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evillocalhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",
        "::",
        "192.0.2.2",
        "169.254.169.254",
        "sub.proxy.example",
    ],
)
def test_a_name_that_is_not_ours_is_refused(routes: Routes[str], host: str) -> None:
    with pytest.raises(Refused) as caught:
        routes.get(host, LOCAL)

    assert "This proxy does not answer for the host name of this request." == str(caught.value)
    expected = "Use localhost, or add the name to `hosts` in the configuration."
    assert expected == caught.value.hint
    assert f"Host: {host}" == caught.value.detail
    assert (421, Code.HOST_NOT_ALLOWED) == (caught.value.status, caught.value.code)


def test_on_a_unix_socket_no_address_is_ours_but_loopback() -> None:
    assert "billing" == found(ONE, "127.0.0.1", local=None)
    with pytest.raises(Refused):
        ONE.get("192.0.2.1", None)


def test_routes_show_their_services() -> None:
    assert "<Routes [billing, orders]>" == repr(TWO)


PATHS = Routes(
    {
        "a": Target(service="a", path="/a", strips=True),
        "ab": Target(service="ab", path="/a/b"),
        "c": Target(service="c"),
    }
)
ROOT = Routes({"a": Target(service="a", path="/a"), "root": Target(service="root", path="/")})


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/a", "a"),
        (b"/a?x=/a/b", "a"),
        (b"/a/", "a"),
        (b"/a/c", "a"),
        (b"/a/b", "ab"),
        (b"/a/b/c/d/e", "ab"),
        (b"/a/bc", "a"),
        (b"/ab", ""),
        (b"/", ""),
        (b"//a", ""),
        (b"/%61", ""),
        (b"*", ""),
        (b"/" * 16_000, ""),
    ],
)
def test_the_longest_path_of_whole_segments_decides(target: bytes, expected: str) -> None:
    assert expected == found(PATHS, "localhost", target)


def test_a_path_counts_at_shared_names_only() -> None:
    assert ["a", "c", "c"] == [
        found(PATHS, host, b"/a/b" if host != "c.localhost" else b"/a")
        for host in ("a.localhost", "c.localhost", "c.localhost")
    ]


def test_what_no_path_fits_goes_to_the_service_at_the_root() -> None:
    assert ["root", "root", "a"] == [found(ROOT, "localhost", t) for t in (b"/", b"/b", b"/a")]


def test_a_single_service_with_a_path_gets_what_is_below_it_only() -> None:
    routes = Routes({"a": Target(service="a", path="/a")})

    assert ["", "a"] == [found(routes, "localhost", target) for target in (b"/b", b"/a/b")]


@pytest.mark.parametrize(
    ("target", "expected"),
    [(b"/a", b"/"), (b"/a?x", b"/?x"), (b"/a/", b"/"), (b"/a/b?c", b"/b?c"), (b"/a//b", b"//b")],
)
def test_a_path_may_be_hidden_from_the_service(target: bytes, expected: bytes) -> None:
    hidden = Route("a", b"/a", strips=True)
    shown = Route("a", b"/a")

    assert (expected, target) == (hidden.target(target), shown.target(target))


def test_a_listener_may_be_one_services_alone() -> None:
    routes = Routes(
        {"a": Target(service="a"), "b": Target(service="b", hosts=("b.example",), path="/b")},
        only="a",
    )

    hosts = ("localhost", "a.localhost", "b.localhost", "b.example")
    assert ["a"] * 4 == [found(routes, host, b"/b/x") for host in hosts]
    with pytest.raises(Refused):
        routes.get("evil.example", LOCAL)


def test_a_service_is_known_by_the_host_of_its_own_address() -> None:
    routes = Routes(
        {
            "a": Target(service="a", own_host="a-abc-ew.a.run.app"),
            "b": Target(service="b", own_host="localhost"),
            "c": Target(service="c", own_host="same.example"),
            "d": Target(service="d", own_host="same.example"),
        }
    )

    assert ["a", ""] == [found(routes, host) for host in ("a-abc-ew.a.run.app", "localhost")]
    with pytest.raises(Refused):  # which of the two is meant cannot be known
        routes.get("same.example", LOCAL)


def test_many_services_are_not_all_named_in_a_refusal() -> None:
    routes = Routes({f"s{n}": Target(service=n) for n in range(30)})

    assert routes.no_route("localhost").hint.endswith("s18.localhost, s19.localhost …")


def test_a_site_shows_how_many_paths_it_has() -> None:
    assert "<Site [2 paths]>" == repr(PATHS.get("localhost", LOCAL))


def test_a_path_of_the_services_address_stands_before_what_is_asked_for() -> None:
    target = Target(service="a", base="/apps/a")
    plain, below = target.route(), target.route("/one", strips=True)

    assert (b"/apps/a/x?y", b"/x?y") == (plain.sent(b"/x?y"), plain.target(b"/x?y"))
    assert (b"/apps/a/x", b"/x") == (below.sent(b"/one/x"), below.target(b"/one/x"))
    assert (b"/apps/a/one/x", b"*") == (target.route("/one").sent(b"/one/x"), plain.sent(b"*"))
    assert (True, True, False) == (plain.moves, below.moves, Target(service="b").route("/b").moves)


def test_what_was_taken_off_and_put_back_on_is_not_told() -> None:
    target = Target(service="a", base="/apps/a")
    strips = [target.route(prefix, strips=True) for prefix in ("/one", "/apps/a")]

    assert [b"/one", b""] == [route.told_prefix for route in strips]
    assert b"" == target.route("/one").told_prefix


def test_services_on_one_host_are_known_by_it_as_far_as_their_paths_differ() -> None:
    targets = {
        "a": Target(service="a", own_host="lb.example", base="/apps/a"),
        "b": Target(service="b", own_host="lb.example", base="/apps/b"),
        "same": Target(service="same", own_host="lb.example", base="/same"),
        "again": Target(service="again", own_host="lb.example", base="/same"),
        "alone": Target(service="alone", own_host="alone.example", base="/x"),
    }
    routes = Routes(targets)
    lb, alone = routes.get("lb.example", None), routes.get("alone.example", None)
    route = lb.find(b"/apps/b/x?y")

    assert route is not None
    assert ("b", True, b"/apps/b/x?y") == (
        route.service,
        route.shares_host,
        route.sent(b"/apps/b/x?y"),
    )
    assert [None, None, None] == [lb.find(path) for path in (b"/", b"/same/x", b"/apps/bb")]
    found = alone.find(b"/x")
    assert found is not None
    assert ("alone", False, b"/x/") == (found.service, found.shares_host, found.sent(b"/x"))


@pytest.mark.parametrize(
    "path", [b"/../x", b"/a/../../x", b"/%2e%2e/x", b"/..%2fx", b"/a/..\\..\\x"]
)
def test_nothing_leads_out_of_the_path_of_a_services_address(path: bytes) -> None:
    route = Target(service="a", base="/apps/a").route()

    assert route.is_bounded
    with pytest.raises(Refused, match="leaves the service that it begins with"):
        route.check(path)
    route.check(b"/a/../x")
    assert not Target(service="a").route().is_bounded
