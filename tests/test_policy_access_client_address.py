from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authproxy.errors import Code, Refused
from authproxy.policy.access.client_address import find_client
from authproxy.policy.access.networks import Address, AddressSet

TRUSTED = AddressSet([ip_network("10.0.0.0/8"), ip_network("2001:db8:ffff::/48")])
PROXY = ip_address("10.0.0.1")
ADVICE = "; let the proxy that trusted_proxies names set the field, or remove it"


def find(
    forwarded_for: Sequence[bytes] = (),
    forwarded: Sequence[bytes] = (),
    *,
    peer: Address | None = PROXY,
) -> Address | None:
    return find_client(peer, forwarded_for=forwarded_for, forwarded=forwarded, trusted=TRUSTED)


def refusal(forwarded_for: Sequence[bytes] = (), forwarded: Sequence[bytes] = ()) -> Refused:
    with pytest.raises(Refused) as caught:
        find(forwarded_for, forwarded)
    return caught.value


@pytest.mark.parametrize("peer", [ip_address("192.0.2.1"), ip_address("2001:db8::1"), None])
def test_what_a_stranger_or_a_unix_sockets_client_says_does_not_count(peer: Address | None) -> None:
    assert peer == find([b"198.51.100.1", b"?"], [b"for=198.51.100.2"], peer=peer)


def test_a_trusted_proxy_that_names_nobody_asks_for_itself() -> None:
    assert PROXY == find()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([b"192.0.2.7"], "192.0.2.7", id="one"),
        pytest.param([b"6.6.6.6, 192.0.2.7"], "192.0.2.7", id="forged before it"),
        pytest.param([b"6.6.6.6", b"192.0.2.7"], "192.0.2.7", id="forged in a field before it"),
        pytest.param([b"10.6.6.6, 192.0.2.7"], "192.0.2.7", id="a trusted one before it"),
        pytest.param([b"x, , 192.0.2.7 ,10.0.0.2", b"\t10.0.0.3"], "192.0.2.7", id="proxies after"),
        pytest.param([b"10.0.0.9, 10.0.0.8"], "10.0.0.9", id="all trusted: the left-most"),
        pytest.param([b"192.0.2.7:4711"], "192.0.2.7", id="port"),
        pytest.param([b"2001:db8::7"], "2001:db8::7", id="IPv6"),
        pytest.param([b"[2001:db8::7]"], "2001:db8::7", id="brackets"),
        pytest.param([b"[2001:db8::7]:443"], "2001:db8::7", id="brackets and port"),
        pytest.param([b"fe80::7%eth0"], "fe80::7", id="zone"),
        pytest.param([b"[fe80::7%25eth0]:443"], "fe80::7", id="zone in brackets"),
        pytest.param([b"::ffff:192.0.2.7"], "192.0.2.7", id="IPv4-mapped"),
        pytest.param([b"192.0.2.7, ::ffff:10.1.1.1"], "192.0.2.7", id="IPv4-mapped proxy"),
        pytest.param([b"192.0.2.7, 2001:db8:ffff::1%x"], "192.0.2.7", id="proxy with a zone"),
        pytest.param([b"0.0.0.0"], "0.0.0.0", id="zero"),
    ],
)
def test_the_last_address_that_is_not_a_proxys_is_the_clients(
    values: Sequence[bytes], expected: str
) -> None:
    assert expected == str(find(values))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([b"for=192.0.2.7"], "192.0.2.7", id="one"),
        pytest.param([b'For="192.0.2.7";proto=https'], "192.0.2.7", id="as Cloud Run's"),
        pytest.param([b"for=6.6.6.6, for=192.0.2.7"], "192.0.2.7", id="forged before it"),
        pytest.param([b'for="', b"for=192.0.2.7"], "192.0.2.7", id="open quote in a field before"),
        pytest.param([b'for="a,b", for=192.0.2.7'], "192.0.2.7", id="comma in quotes"),
        pytest.param([b'by=";for=6.6.6.6";for=192.0.2.7'], "192.0.2.7", id="for in quotes"),
        pytest.param([b"for=6.6.6.6\\, for=192.0.2.7"], "192.0.2.7", id="backslash before it"),
        pytest.param([b'for="[2001:db8::7]:4711"'], "2001:db8::7", id="IPv6 and port"),
        pytest.param([b'for="[2001:db8::7]:_port"'], "2001:db8::7", id="hidden port"),
        pytest.param([b'for="192.0.2.7:4711"'], "192.0.2.7", id="IPv4 and port"),
        pytest.param([b'for="19\\2.0.2.7"'], "192.0.2.7", id="escaped"),
        pytest.param([b"for=[2001:db8::7]:4711"], "2001:db8::7", id="quotes left out"),
        pytest.param([b'by=_x; for="fe80::7%e" ;host=a:1'], "fe80::7", id="blanks, zone, others"),
        pytest.param([b"for=192.0.2.7;, for=10.0.0.2"], "192.0.2.7", id="empty pair"),
        pytest.param([b"for=10.0.0.9", b"for=10.0.0.8"], "10.0.0.9", id="all trusted"),
    ],
)
def test_forwarded_is_read_by_the_same_rule(values: Sequence[bytes], expected: str) -> None:
    assert expected == str(find(forwarded=values))


@pytest.mark.parametrize(
    "entry",
    [
        b"unknown",
        b"_hidden",
        b"",
        b"localhost",
        b"unix:",
        b"192.0.2",
        b"192.0.2.07",
        b"192.0.2.7:",
        b"192.0.2.7:x",
        b"192.0.2.7%eth0",
        b"192.0.2.7/32",
        b"[192.0.2.7]",
        b"[2001:db8::7",
        b"2001:db8::7]:1",
        b"[2001:db8::7]x",
        b"fe80::7%",
        b'"192.0.2.7"',
        b"192.0.2.7 192.0.2.8",
        b"3221225991",
        b"\xd9\xa1.2.3.4",
        b"2001:db8::7\x00",
        b"\n192.0.2.7",
    ],
)
def test_what_is_no_address_ends_the_search(entry: bytes) -> None:
    error = refusal([b"192.0.2.6, " + entry + b", 10.0.0.2"])

    expected = f"X-Forwarded-For has {entry!r} where the client's address should be{ADVICE}"
    assert (expected, Code.ADDRESS_NOT_ALLOWED) == (error.detail, error.code)
    told = "Your address cannot be determined, so this proxy refuses the request."
    assert (told, "The reason is in the proxy's log.") == (str(error), error.hint)


@pytest.mark.parametrize(
    "element",
    [
        b"for=unknown",
        b'for="_hidden"',
        b"for=",
        b'for=""',
        b"",
        b"proto=https",
        b"192.0.2.7",
        b"for=192.0.2.7;for=192.0.2.8",
        b"for=192.0.2.7;FOR=192.0.2.7",
        b"for = 192.0.2.7",
        b"for=192.0.2.7 x",
        b'for="192.0.2.7"x',
        b'for="192.0.2.7\\"',
        b'for="192.0.2.7',
        b'host="a;for=192.0.2.7',
        b"for=192.0.2.7\n",
        b"for=192.0.2.7;\n",
    ],
)
def test_a_forwarded_without_an_address_ends_the_search(element: bytes) -> None:
    error = refusal(forwarded=[b"for=192.0.2.6", element, b"for=10.0.0.2"])

    expected = f"Forwarded has {element!r} where the client's address should be{ADVICE}"
    assert expected == error.detail


def test_two_fields_that_agree_are_as_good_as_one() -> None:
    found = find([b"6.6.6.6, 192.0.2.7"], [b"for=7.7.7.7", b'for="192.0.2.7:80"'])

    assert ip_address("192.0.2.7") == found


def test_two_fields_that_disagree_are_refused_with_the_way_out() -> None:
    expected = (
        "X-Forwarded-For names 192.0.2.7 and Forwarded names 6.6.6.6: the proxy at 10.0.0.1 sets"
        " one of the two and passes on the client's value of the other; make it remove that one"
    )

    assert expected == refusal([b"192.0.2.7"], [b"for=6.6.6.6"]).detail
    assert refusal([b"192.0.2.7"], [b"for=unknown"]).detail.startswith("Forwarded has b'for=unk")


def test_an_endless_list_of_proxies_is_not_read_to_its_end() -> None:
    expected = "the last 50 addresses in X-Forwarded-For are all of trusted proxies"

    assert expected == refusal([b"192.0.2.7" + b",10.0.0.2" * 50]).detail
    assert expected == refusal([b"192.0.2.7", *[b"10.0.0.2"] * 50]).detail
    assert ip_address("192.0.2.7") == find([b"," * 60_000 + b"192.0.2.7" + b",10.0.0.2" * 49])


def test_a_forwarded_that_is_too_long_is_refused() -> None:
    expected = f"Forwarded has {b'for=192.0.2.7,' * 4 + b'for='!r}… where the client's address"

    assert refusal(forwarded=[b"for=192.0.2.7," * 600]).detail.startswith(expected)
    assert ip_address("192.0.2.7") == find(forwarded=[b"x," * 4000 + b"for=192.0.2.7"])


def test_what_is_shown_of_an_entry_is_short_and_has_no_control_characters() -> None:
    detail = refusal([b"\x1b[2J\r\n" + b"x" * 5000]).detail

    shown = "b'\\x1b[2J\\r\\n" + "x" * 54 + "'…"
    assert f"X-Forwarded-For has {shown} where the client's address should be{ADVICE}" == detail


CLIENTS = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).filter(
    lambda address: address not in TRUSTED
)
PROXIES = st.sampled_from(["10.0.0.2", "10.255.255.255", "2001:db8:ffff::2"]).map(ip_address)
FRAGMENTS = [
    *("6.6.6.6", "10.0.0.66", "[2001:db8:ffff::66]:1", "::ffff:10.0.0.6", "unknown", "_x"),
    *("for=", "For=6.6.6.6", 'for="[2001:db8::6]:1"', "by=", "proto=https", "host="),
    *(",", ", ", ";", '"', "\\", '\\"', "=", "[", "]", ":80", "%", " ", "\t", "\x00", "é"),
]
FORGED = st.lists(
    st.one_of(
        st.lists(st.sampled_from(FRAGMENTS)).map("".join).map(lambda text: text.encode("latin-1")),
        st.binary(max_size=40),
    ),
    max_size=3,
)
"""What a client says before a trusted proxy has its say."""


def in_list(address: Address) -> bytes:
    return str(address).encode()


def in_forwarded(address: Address) -> bytes:
    shown = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
    return f'for="{shown}";proto=https'.encode()


def plain(address: Address) -> Address:
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or address
    return address


@st.composite
def passed_on(draw: st.DrawFn, said: Sequence[bytes], entries: Sequence[bytes]) -> list[bytes]:
    """Each proxy appends its entry: to the last field, as one more, or to all joined into one."""
    values = list(said)
    for entry in entries:
        way = draw(st.sampled_from(["append", "add", "join"]))
        if way == "join" and values:
            values = [b", ".join(values)]
        if way == "add" or not values:
            values.append(entry)
        else:
            values[-1] += b", " + entry
    return values


@given(st.data(), FORGED, CLIENTS, st.lists(PROXIES, max_size=3))
def test_x_forwarded_for_leads_to_the_client_whatever_it_forged(
    data: st.DataObject, forged: list[bytes], client: Address, between: list[Address]
) -> None:
    values = data.draw(passed_on(forged, [in_list(hop) for hop in (client, *between)]))

    assert plain(client) == find(values)


@given(st.data(), FORGED, CLIENTS, st.lists(PROXIES, max_size=3))
def test_forwarded_leads_to_the_client_or_nowhere_whatever_it_forged(
    data: st.DataObject, forged: list[bytes], client: Address, between: list[Address]
) -> None:
    values = data.draw(passed_on(forged, [in_forwarded(hop) for hop in (client, *between)]))

    assert outcome((), values) in (plain(client), None)


@given(FORGED, FORGED, CLIENTS)
@example([], [b"for=6.6.6.6"], IPv4Address("192.0.2.7"))
@example([b"6.6.6.6"], [], IPv4Address("192.0.2.7"))
def test_a_field_that_the_proxy_passes_on_unseen_forges_nothing(
    forged_for: list[bytes], forged: list[bytes], client: Address
) -> None:
    by_list = outcome([*forged_for, in_list(client)], forged)
    by_forwarded = outcome(forged_for, [*forged, in_forwarded(client)])

    assert {by_list, by_forwarded} <= {plain(client), None}


def outcome(forwarded_for: Sequence[bytes], forwarded: Sequence[bytes]) -> Address | None:
    """The address that was found; None when the request was refused."""
    try:
        return find(forwarded_for, forwarded)
    except Refused:
        return None


def test_an_escaped_quote_in_what_a_proxy_appends_does_not_help_a_forger() -> None:
    """The open quote of the client would turn the proxy's quotes inside out."""
    appended = rb', for=192.0.2.7;host="\";for=7.7.7.7;x=\""'

    assert "Forwarded has " in refusal(forwarded=[b'for=6.6.6.6;x="' + appended]).detail
