import pytest

from authproxy.values import parse_path_prefix


@pytest.mark.parametrize(
    ("text", "prefix"),
    [("/billing", "/billing"), ("/billing/", "/billing"), ("/", "/"), ("/a/b.c", "/a/b.c")],
)
def test_the_beginning_of_a_path_is_read(text: str, prefix: str) -> None:
    assert prefix == parse_path_prefix(text)


@pytest.mark.parametrize(
    "text", ["", "billing", "/a?x", "/a#x", "/a b", "/a/../b", "/./b", "/%61", "/é", "/a;b", "/a."]
)
def test_what_is_no_beginning_of_a_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not the beginning of a path; write it as in /billing"):
        parse_path_prefix(text)


@pytest.mark.parametrize("text", ["/admin/*", "/admin/**", "/admin/", " /admin "])
def test_a_star_at_the_end_says_what_a_prefix_says(text: str) -> None:
    assert "/admin" == parse_path_prefix(text)


def test_a_star_alone_below_the_root_is_every_path() -> None:
    assert "/" == parse_path_prefix("/*")


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("/admin*", "write /admin;"),
        ("/a/*/b", "write /a;"),
        ("^/admin", "write /admin;"),
        ("/admin$", "write /admin;"),
        ("/admin/.*", "write /admin;"),
        ("/api/v[12]", "write /api;"),
        ("/api/(a|b)", "write /api;"),
        ("/users/{id}", "write /users;"),
        ("/users/:id", "write /users;"),
        ("/users/<id>", "write /users;"),
        ("*.php", "as in /billing;"),
    ],
)
def test_a_pattern_is_refused_with_its_plain_beginning(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match="is a pattern, and only the beginning") as caught:
        parse_path_prefix(text)

    assert advice in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("*", '"*" is no path; write / for all paths, or leave it out'),
        ("https://a.run.app/b", '"https://a.run.app/b" is a URL; write its path only: /b'),
        ("/a//b", '"/a//b" has an empty name in it; write /a/b'),
    ],
)
def test_what_is_nearly_a_path_is_refused_with_what_was_meant(text: str, sentence: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- the whole sentence is compared
        parse_path_prefix(text)

    assert sentence == str(caught.value)


@pytest.mark.parametrize("text", ["/wiki/Foo_(bar)", "/v1/things:batchGet", "/a+b", "/~me", "/@me"])
def test_what_paths_have_in_real_life_is_no_pattern(text: str) -> None:
    assert text == parse_path_prefix(text)
