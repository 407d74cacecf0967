"""Addresses are found where each field has them, and nowhere else."""

import pytest

from authproxy.policy.messages import field_values as values
from authproxy.policy.messages.field_values import Convert
from authproxy.policy.messages.origin_mapping import Home

HOME = Home(services=(b"https://b.example",), client=b"http://localhost")


def marked(address: bytes, _: Home) -> bytes:
    return b"[%b]" % address


CASES = [
    (values.refresh, "5; url=/x", "5; url=[/x]"),
    (values.refresh, "0;URL='/x'", "0;URL='[/x]'"),
    (values.refresh, '0, "/x"', '0, "[/x]"'),
    (values.refresh, "5", "5"),
    (values.refresh, "soon", "soon"),
    (values.links, "<a>; rel=x,<b>", "<[a]>; rel=x,<[b]>"),
    (
        values.links,
        '<a>; title="<b>; anchor=c"; anchor="d"',
        '<[a]>; title="<b>; anchor=[c]"; anchor="[d]"',
    ),
    (values.links, "<a> ; Anchor = /b ; rel=x", "<[a]> ; Anchor = [/b] ; rel=x"),
    (values.links, "nothing", "nothing"),
    (
        values.links,
        '<>; rel=preload; imagesrcset="/a 1x, /b 2x"',
        '<[]>; rel=preload; imagesrcset="[/a] [1x], [/b] [2x]"',
    ),
    (values.words, "final;/a /b", "[final];[/a] [/b]"),
    (values.words, "a, b", "[a], [b]"),
    (values.last_word, "ALLOW-FROM a", "ALLOW-FROM [a]"),
    (values.last_word, "DENY", "DENY"),
    (values.quoted, 'a="b", "c";d=1', 'a="[b]", "[c]";d=1'),
    (values.quoted, r'"a\"b" "open', r'"[a\"b]" "open'),
    (values.tagged_lists, "<a> (<t>) <b> (Not <u>)", "<[a]> (<t>) <[b]> (Not <u>)"),
    (values.tagged_lists, '(<t> ["(x"]) (["<y>"])', '(<t> ["(x"]) (["<y>"])'),
    (values.challenges, 'Digest realm="r", domain="/a /b"', 'Digest realm="r", domain="[/a] [/b]"'),
    (values.challenges, 'Bearer realm="r",service="s"', 'Bearer realm="[r]",service="s"'),
    (values.challenges, 'Basic realm="r", Bearer realm="s"', 'Basic realm="r", Bearer realm="[s]"'),
    (
        values.challenges,
        "Bearer resource_metadata=a, scope=b",
        "Bearer resource_metadata=[a], scope=b",
    ),
    (values.challenges, 'Bearer Error_URI = "a"', 'Bearer Error_URI = "[a]"'),
    (
        values.challenges,
        'Negotiate YII==, Bearer as_uri="a"',
        'Negotiate YII==, Bearer as_uri="[a]"',
    ),
    (values.challenges, "Negotiate, NTLM", "Negotiate, NTLM"),
    (values.challenges, r'X a="domain=\"b\"", domain="c"', r'X a="domain=\"b\"", domain="[c]"'),
]


@pytest.mark.parametrize(("kind", "value", "expected"), CASES)
def test_an_address_is_found_in_its_place(kind: object, value: str, expected: str) -> None:
    assert callable(kind)
    assert expected.encode() == kind(marked)(value.encode(), HOME)


ALONE = Home(services=(b"https://b.example",), client=b"http://localhost")
BELOW = Home(services=(b"https://b.example",), client=b"http://localhost", prefix=b"/one")
DEEP = Home(services=(b"https://b.example/apps/a",), client=b"http://localhost")
DEEP_BELOW = Home(
    services=(b"https://b.example/apps/a",), client=b"http://localhost", prefix=b"/one"
)


@pytest.mark.parametrize(
    ("home", "path", "expected"),
    [
        (ALONE, "/x", "/x"),
        (BELOW, "/x", "/x"),
        (BELOW, "/one", "/"),
        (BELOW, "/one/x", "/x"),
        (BELOW, "/ones", "/ones"),
        (DEEP, "/", "/"),
        (DEEP, "/apps", "/"),
        (DEEP, "/apps/a", "/"),
        (DEEP, "/apps/a/", "/"),
        (DEEP, "/apps/a/x", "/x"),
        (DEEP, "/apps/ab", None),
        (DEEP, "/app", None),
        (DEEP, "/x", None),
        (DEEP_BELOW, "/apps/a/x", "/x"),
        (DEEP_BELOW, "/one/apps/a/x", "/x"),
        (DEEP_BELOW, "/one", None),
    ],
)
def test_a_cookies_path_is_below_the_services_address(
    home: Home, path: str, expected: str | None
) -> None:
    found = values.cookie_path(f"a=/b; PATH = {path} ; Secure".encode(), home)

    assert found == (f"a=/b; PATH = {expected} ; Secure".encode() if expected else None)


def test_the_last_path_of_a_cookie_counts() -> None:
    assert values.cookie_path(b"a=b; Path=/apps/a/x; Path=/x", DEEP) is None
    assert b"a=b; Path=/x; Path=/y" == values.cookie_path(b"a=b; Path=/x; Path=/apps/a/y", DEEP)


def test_a_cookie_without_a_path_stays() -> None:
    for text in (b"a=b", b"a=b; Path", b"a=b; Path=x", b"a; xPath=/x"):
        assert text == values.cookie_path(text, DEEP)


JSON = [
    ('{"url":"a","b":"c"}', '{"url":"[a]","b":"c"}'),
    (r'{"endpoints" : [{"url" : "https:\/\/a\/"}]}', '{"endpoints" : [{"url" : "[https://a/]"}]}'),
    ('{"xurl":"a"}', '{"xurl":"a"}'),
]


@pytest.mark.parametrize(("value", "expected"), JSON)
def test_members_of_json_are_told_apart_by_their_names(value: str, expected: str) -> None:
    assert expected.encode() == values.json_members(["url"], marked)(value.encode(), HOME)


def test_json_that_names_nobody_keeps_its_spelling() -> None:
    def same(address: bytes, _: Home) -> bytes:
        return address

    value = rb'{"url":"https:\/\/a"}'
    assert value == values.json_members(["url"], same)(value, HOME)


def test_a_value_is_json_or_an_address() -> None:
    either: Convert = values.json_or(["path"], marked)

    assert b"[/a]" == either(b"/a", HOME)
    assert b'{"path":"[/a]"}' == either(b'{"path":"/a"}', HOME)


def test_parameters_are_told_apart_by_their_names() -> None:
    match: Convert = values.parameters(["match"], marked)

    assert b'match="[/a/*]", id="/b", xmatch="/c"' == match(
        b'match="/a/*", id="/b", xmatch="/c"', HOME
    )
