"""A page of another site against localhost: what a browser says of it decides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.policy.access.cross_site import (
    PageRequest,
    find_cross_site,
    is_own,
    is_told_site,
    normal_origin,
)

HOST = b"localhost:8080"
ALLOWED = frozenset([b"https://good.example", b"http://localhost:3000"])
LINK = {"mode": b"navigate", "dest": b"document"}


def refusal(method: bytes = b"GET", host: bytes = HOST, **fields: object) -> str | None:
    return find_cross_site(PageRequest(method=method, **fields), host, ALLOWED)  # type: ignore[arg-type]  # -- a table's values


@pytest.mark.parametrize(
    "asking",
    [
        pytest.param({}, id="curl"),
        pytest.param({"method": b"POST"}, id="curl that posts"),
        pytest.param({"upgrades": True}, id="a WebSocket of no browser"),
        pytest.param({"site": b"none", **LINK}, id="typed"),
        pytest.param({"site": b"same-origin", "dest": b"image"}, id="own image"),
        pytest.param({"origin": b"http://localhost:8080", "method": b"POST"}, id="own form"),
        pytest.param({"origin": b"HTTP://LOCALHOST:8080"}, id="own, in capitals"),
        pytest.param(
            {"origin": b"https://localhost:8080", "upgrades": True}, id="TLS ended before us"
        ),
        pytest.param({"site": b"cross-site", **LINK}, id="a link"),
        pytest.param({"site": b"same-site", "method": b"HEAD", **LINK}, id="a link of a neighbour"),
        pytest.param({"origin": b"https://good.example", "site": b"cross-site"}, id="allowed"),
        pytest.param({"origin": b"https://GOOD.example:443"}, id="allowed, spelled otherwise"),
        pytest.param({"origin": b"http://localhost:3000", "upgrades": True}, id="its WebSocket"),
        pytest.param({"site": b"none", "dest": b"empty"}, id="a download by hand"),
        pytest.param(
            {"origin": b"null", "site": b"same-origin", "method": b"POST", **LINK},
            id="own form on a page without referrer",
        ),
        pytest.param({"referer": b"https://evil.example/"}, id="curl with a Referer, at localhost"),
        pytest.param(
            {"referer": b"https://evil.example/", "site": b"cross-site", **LINK},
            id="a link's Referer",
        ),
        pytest.param(
            {"referer": b"http://localhost:8080/a?b#c", "is_told_site": False},
            id="own, told by name",
        ),
        pytest.param(
            {"referer": b"https://good.example/", "is_told_site": False}, id="allowed, so"
        ),
        pytest.param({"is_told_site": False}, id="curl, at any name"),
        pytest.param(
            {"site": b"cross-site", "dest": b"image", "referer": b"https://good.example/"},
            id="an image of an allowed page",
        ),
        pytest.param(
            {"site": b"same-site", "dest": b"iframe", "referer": b"http://localhost:3000/a?b"},
            id="a frame of an allowed page",
        ),
    ],
)
def test_these_pass(asking: dict[str, object]) -> None:
    assert refusal(**asking) is None  # type: ignore[arg-type]  # -- a table's values


@pytest.mark.parametrize(
    ("asking", "detail"),
    [
        pytest.param(
            {"origin": b"https://evil.example", "site": b"cross-site", "mode": b"cors"},
            "Origin 'https://evil.example' is not 'localhost:8080' and not in allow_origins",
            id="fetch",
        ),
        pytest.param(
            {"site": b"cross-site", "mode": b"no-cors", "dest": b"image"},
            "Sec-Fetch-Site is 'cross-site', Sec-Fetch-Dest 'image'",
            id="image",
        ),
        pytest.param(
            {"site": b"same-site", "mode": b"no-cors", "dest": b"script"},
            "Sec-Fetch-Site is 'same-site', Sec-Fetch-Dest 'script'",
            id="another port's script",
        ),
        pytest.param(
            {"origin": b"http://localhost:3001"},
            "Origin 'http://localhost:3001' is not 'localhost:8080' and not in allow_origins",
            id="another port",
        ),
        pytest.param(
            {"site": b"cross-site", "mode": b"navigate", "dest": b"iframe"},
            "Sec-Fetch-Site is 'cross-site', Sec-Fetch-Dest 'iframe'",
            id="frame",
        ),
        pytest.param(
            {"site": b"cross-site"},
            "Sec-Fetch-Site is 'cross-site', Sec-Fetch-Dest missing",
            id="says little",
        ),
        pytest.param(
            {"site": b"whatever"},
            "Sec-Fetch-Site is 'whatever', Sec-Fetch-Dest missing",
            id="a site of a kind that nobody knows",
        ),
        pytest.param(
            {"site": b"cross-site", "dest": b"image", "referer": b"https://good.example.evil/"},
            "Sec-Fetch-Site is 'cross-site', Sec-Fetch-Dest 'image'",
            id="an image of a page that looks like an allowed one",
        ),
        pytest.param(
            {"site": b"cross-site", "method": b"POST", "referer": b"https://good.example/"},
            "Sec-Fetch-Site is 'cross-site', Sec-Fetch-Dest missing",
            id="what no browser sends without Origin",
        ),
        pytest.param(
            {"site": b"cross-site", "upgrades": True, "referer": b"https://good.example/"},
            "Sec-Fetch-Site is 'cross-site', Sec-Fetch-Dest missing",
            id="a WebSocket without Origin",
        ),
        pytest.param(
            {"site": b"none", "mode": b"no-cors", "dest": b"webidentity"},
            "Sec-Fetch-Site is 'none', Sec-Fetch-Dest 'webidentity'",
            id="an identity that a page wants",
        ),
        pytest.param(
            {"site": b"none", "mode": b"navigate", "dest": b"iframe"},
            "Sec-Fetch-Site is 'none', Sec-Fetch-Dest 'iframe'",
            id="a frame that nobody types",
        ),
        pytest.param(
            {"referer": b"http://evil.example/?secret", "is_told_site": False},
            "Referer 'http://evil.example' is not 'localhost:8080' and not in allow_origins",
            id="an image where browsers tell no site",
        ),
    ],
)
def test_these_do_not_and_the_log_says_why(asking: dict[str, object], detail: str) -> None:
    assert detail == refusal(**asking)  # type: ignore[arg-type]  # -- a table's values


@pytest.mark.parametrize("site", [b"", b"none", b"same-site", b"cross-site", b"Same-Origin"])
def test_whoever_hides_its_origin_is_a_stranger(site: bytes) -> None:
    assert refusal(origin=b"null", site=site, method=b"POST") is not None


AHEAD = {"site": b"none", "purpose": b"prefetch", **LINK}


@pytest.mark.parametrize("site", [b"", b"none", b"same-origin"])
@pytest.mark.parametrize("purpose", [b"prefetch", b"prefetch;prerender", b"anything"])
def test_own_pages_may_fetch_ahead(site: bytes, purpose: bytes) -> None:
    asking = {**AHEAD, "site": site, "purpose": purpose, "referer": b"http://localhost:8080/a/b?c"}

    assert refusal(**asking) is None


@pytest.mark.parametrize("site", [b"", b"none", b"same-site", b"cross-site"])
def test_pages_of_allowed_origins_may_fetch_ahead(site: bytes) -> None:
    asking = {**AHEAD, "site": site, "referer": b"https://good.example/"}

    assert refusal(**asking) is None


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("mode", [LINK, {"mode": b"no-cors", "dest": b"empty"}])
@pytest.mark.parametrize(
    ("referer", "site"),
    [
        (b"", b"none"),
        (b"", b"same-origin"),
        (b"", b""),
        (b"https://evil.example/", b"none"),
        (b"http://localhost:3001/", b"same-site"),
        (b"http://localhost:8080.evil.example/", b"none"),
        (b"http://evil.example/http://localhost:8080/", b"none"),
        (b"http://localhost:8080@evil.example/", b"none"),
        (b"http://evil.example?http://localhost:8080/", b"none"),
        (b"several", b"none"),
        (b"http://localhost:8080/", b"cross-site"),
    ],
)
def test_nobody_else_fetches_ahead(
    referer: bytes, site: bytes, mode: dict[str, bytes], *, told: bool
) -> None:
    asking = {**AHEAD, **mode, "site": site, "referer": referer, "is_told_site": told}
    found = refusal(**asking)  # type: ignore[arg-type]  # -- a table's values

    assert found is not None
    assert found.startswith("it is a prefetch ('prefetch'), Referer ")


@pytest.mark.parametrize(
    ("proto", "name", "expected"),
    [
        (b"http", "localhost", True),
        (b"http", "billing.localhost", True),
        (b"http", "127.0.0.9", True),
        (b"http", "::1", True),
        (b"https", "proxy.example", True),
        (b"http", "proxy.example", False),
        (b"http", "192.168.0.7", False),
        (b"http", "localhost.example", False),
        (b"http", "notlocalhost", False),
    ],
)
def test_browsers_say_who_asks_on_this_machine_and_in_tls(
    proto: bytes, name: str, *, expected: bool
) -> None:
    assert expected is is_told_site(proto, name)


@pytest.mark.parametrize(
    "origin",
    [
        b"null",
        b"*",
        b"http://localhost",
        b"http://localhost:80800",
        b"http://127.0.0.1:8080",
        b"http://localhost.evil.example:8080",
        b"http://evil.example/localhost:8080",
        b"http://localhost:8080@evil.example",
        b"http://evil.example#localhost:8080",
        b"http://localhost:8080, http://evil.example",
        b"http://localhost.:8080",
        b"http://sub.localhost:8080",
        b"ftp://localhost:8080",
        b"localhost:8080",
        b"://localhost:8080",
        b"file://",
        b"https://good.example.evil.example",
        b"https://good.example:8443",
        b"http://good.example",
        b"https://sub.good.example",
    ],
)
@pytest.mark.parametrize("method", [b"GET", b"POST", b"OPTIONS"])
def test_look_alikes_of_an_origin_are_strangers(origin: bytes, method: bytes) -> None:
    assert refusal(origin=origin, method=method) is not None


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"OPTIONS", b"get"])
def test_a_form_of_another_site_is_no_link(method: bytes) -> None:
    assert refusal(method=method, site=b"cross-site", **LINK) is not None


def test_a_websocket_is_no_link() -> None:
    assert refusal(site=b"cross-site", upgrades=True, **LINK) is not None


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (b"http://app.example", b"app.example"),
        (b"http://app.example", b"app.example:80"),
        (b"https://app.example", b"App.example:443"),
        (b"http://[::1]:8080", b"[::1]:8080"),
    ],
)
def test_an_own_origin_is_told_however_its_port_is_spelled(origin: bytes, host: bytes) -> None:
    assert is_own(origin, host)


@given(st.binary(max_size=60))
def test_nothing_but_the_host_itself_is_its_own(origin: bytes) -> None:
    if is_own(origin, HOST):
        assert normal_origin(origin) in (b"http://localhost:8080", b"https://localhost:8080")
