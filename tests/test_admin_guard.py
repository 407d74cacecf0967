"""Who may ask for what, as tables."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

import pytest

from authproxy.admin.guard import AdminAccess, AdminRequest, acts_for_own_page, is_here
from authproxy.policy.access.networks import AddressSet

KUBELET = IPv4Address("10.0.0.1")
HERE = IPv4Address("127.0.0.1")
ACCESS = AdminAccess(allow=AddressSet([IPv4Network("10.0.0.0/8")]), hosts=("proxy.example",))
PLAIN = AdminRequest(method="GET", peer=HERE, host="127.0.0.1:4040")


def refused(request: AdminRequest, access: AdminAccess = ACCESS) -> tuple[int, str] | None:
    found = access.find_refusal(request)
    return None if found is None else (found.status, found.error)


@pytest.mark.parametrize(
    ("peer", "status"),
    [
        ("127.0.0.1", None),
        ("127.8.8.8", None),
        ("::1", None),
        ("10.0.0.1", None),
        ("11.0.0.1", 403),
        ("2001:db8::1", 403),
    ],
)
def test_what_is_open_is_for_this_machine_and_those_that_are_allowed(
    peer: str, status: int | None
) -> None:
    found = refused(replace(PLAIN, peer=ip_address(peer)))

    assert (found and found[0]) == status


def test_a_unix_socket_is_this_machine() -> None:
    assert refused(replace(PLAIN, peer=None, host="localhost")) is None
    assert is_here(None)


@pytest.mark.parametrize("peer", [KUBELET, IPv6Address("2001:db8::1")], ids=str)
def test_what_is_guarded_is_for_this_machine_only(peer: IPv4Address | IPv6Address) -> None:
    guard = ACCESS.find_guard(replace(PLAIN, peer=peer))

    assert guard is not None
    assert 403 == guard.status
    assert ACCESS.find_guard(PLAIN) is None


@pytest.mark.parametrize(
    ("host", "here", "elsewhere"),
    [
        ("localhost", None, None),
        ("localhost:4040", None, None),
        ("LOCALHOST.", None, None),
        ("admin.localhost:4040", None, None),
        ("127.0.0.1", None, None),
        ("[::1]:4040", None, None),
        ("proxy.example:4040", None, None),
        ("10.4.4.4:4040", 421, None),
        ("[fd00::4]:4040", 421, None),
        ("evil.example", 421, 421),
        ("127.0.0.1.evil.example", 421, 421),
        ("0x7f.1", 421, 421),
        ("a b", 400, 400),
        ("", 400, 400),
        (None, 400, 400),
    ],
)
def test_a_name_that_is_not_ours_is_refused_and_an_address_is_for_those_allowed(
    host: str | None, here: int | None, elsewhere: int | None
) -> None:
    """A kubelet asks for the pod's address; a page of another site can have a name of its own."""
    found = [refused(replace(PLAIN, peer=peer, host=host)) for peer in (HERE, KUBELET)]

    assert [here, elsewhere] == [each and each[0] for each in found]


PAGES = [
    ("nobody says who asks", {}, True),
    ("typed", {"site": "none", "mode": "navigate", "dest": "document"}, True),
    ("a link", {"site": "cross-site", "mode": "navigate", "dest": "document"}, True),
    ("our own page", {"site": "same-origin", "mode": "cors", "dest": "empty"}, True),
    ("another port", {"site": "same-site", "mode": "cors", "dest": "empty"}, False),
    ("an image", {"site": "cross-site", "mode": "no-cors", "dest": "image"}, False),
    ("a frame", {"site": "same-site", "mode": "navigate", "dest": "iframe"}, False),
    ("another origin", {"origin": "http://127.0.0.1:8080"}, False),
    ("a hidden origin", {"origin": "null"}, False),
    ("our origin", {"origin": "http://127.0.0.1:4040"}, True),
    (
        "a foreign page, no Sec-Fetch",
        {"referer": "http://evil.example/", "host": "10.1.1.1"},
        False,
    ),
    ("a prefetch", {"purpose": "prefetch", "referer": "http://evil.example/"}, False),
    ("a WebSocket", {"origin": "http://evil.example", "upgrades": True}, False),
]


@pytest.mark.parametrize(("what", "said", "passes"), PAGES, ids=[each[0] for each in PAGES])
def test_pages_of_other_sites_get_nothing(what: str, said: dict[str, object], passes: bool) -> None:
    known = {"peer": KUBELET} if "host" in said else {}
    request = replace(PLAIN, **known, **said)  # type: ignore[arg-type]  # -- a table of fields

    assert passes == (refused(request) is None), what


@pytest.mark.parametrize(
    ("said", "acts"),
    [
        ({"origin": "http://127.0.0.1:4040"}, True),
        ({"origin": "null", "site": "same-origin"}, True),
        ({"site": "same-origin"}, True),
        ({}, False),
        ({"origin": "null"}, False),
        ({"site": "none"}, False),
        ({"site": "same-site"}, False),
        ({"origin": "http://127.0.0.1:8080"}, False),
    ],
)
def test_a_cookie_acts_only_for_our_own_page(said: dict[str, str], acts: bool) -> None:
    assert acts == acts_for_own_page(replace(PLAIN, method="POST", **said))  # type: ignore[arg-type]  # -- fields
    assert acts_for_own_page(replace(PLAIN, **said))  # type: ignore[arg-type]  # -- fields
