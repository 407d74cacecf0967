"""What a request asks for, and what of it is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.errors import Code, Refused
from authproxy.policy.access.targets import shown_host, shown_path, split_target


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/", (b"/", b"host")),
        (b"/a%2Fb//c/../d;x?q=1", (b"/a%2Fb//c/../d;x?q=1", b"host")),
        (b"//evil.example/x", (b"//evil.example/x", b"host")),
        (b"/http://evil.example/", (b"/http://evil.example/", b"host")),
        (b"http://a.localhost/x?y", (b"/x?y", b"a.localhost")),
        (b"HTTPS://a.localhost:80/x", (b"/x", b"a.localhost:80")),
        (b"http://a.localhost", (b"/", b"a.localhost")),
        (b"http://a.localhost?q=/x", (b"/?q=/x", b"a.localhost")),
        (b"http://a.localhost/?q=http://b/", (b"/?q=http://b/", b"a.localhost")),
        (b"http:///x", (b"/x", b"")),
        (b"http://a.localhost/@x", (b"/@x", b"a.localhost")),
    ],
)
def test_a_target_is_a_path_and_the_authority_that_counts(
    target: bytes, expected: tuple[bytes, bytes]
) -> None:
    assert expected == split_target(b"GET", target, b"host")


@pytest.mark.parametrize(
    "target", [b"", b"*x", b"localhost", b"localhost:80", b"ftp://a/", b"javascript://a/", b"?x"]
)
def test_a_target_that_is_neither_path_nor_url_is_refused(target: bytes) -> None:
    with pytest.raises(Refused) as caught:
        split_target(b"GET", target, b"localhost")

    expected = "The target of the request is neither a path nor an absolute URL."
    assert expected == str(caught.value)
    assert Code.BAD_REQUEST == caught.value.code


@given(st.one_of(st.binary(), st.binary().map(lambda rest: b"http://" + rest)))
def test_a_target_is_split_without_loss_or_refused(target: bytes) -> None:
    try:
        path, authority = split_target(b"OPTIONS", target, None)
    except Refused:
        return

    assert path == b"*" or path.startswith(b"/")
    scheme = b"" if authority is None else target[: target.index(b"://") + 3]
    assert target in (scheme + (authority or b"") + path, scheme + (authority or b"") + path[1:])


def test_the_whole_server_is_what_options_alone_can_ask_about() -> None:
    assert (b"*", b"host") == split_target(b"OPTIONS", b"*", b"host")
    assert (b"*", b"a") == split_target(b"OPTIONS", b"http://a", b"host")
    assert (b"/?x", b"a") == split_target(b"OPTIONS", b"http://a?x", b"host")
    assert (b"/", b"a") == split_target(b"OPTIONS", b"http://a/", b"host")
    for method in (b"GET", b"HEAD", b"POST", b"options"):
        with pytest.raises(Refused, match="Only OPTIONS") as caught:
            split_target(method, b"*", b"host")
        assert Code.BAD_REQUEST == caught.value.code


@pytest.mark.parametrize(
    "authority", [b"me:hunter2@a", b"me@a", b"@a", b"a@b@c", b"a.localhost\\@b"]
)
def test_a_user_in_a_target_is_refused_and_not_repeated(authority: bytes) -> None:
    with pytest.raises(Refused, match="user name in front of its host") as caught:
        split_target(b"GET", b"http://%b/" % authority, b"host")

    error = caught.value
    assert Code.BAD_REQUEST == error.code
    assert "hunter2" not in f"{error.message}{error.hint}{error.detail}"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/a/b?key=hunter2", b"/a/b"),
        (b"/a#hunter2", b"/a"),
        (b"*", b"*"),
        (b"-", b"-"),
        (b"http://me:hunter2@a/x", b"http://a/x"),
        (b"HTTP://hunter2@a", b"HTTP://a"),
        (b"http://me:hun/ter2@a/x", b"http://a/x"),
        (b"http://me:h@n/ter2@a/x", b"http://a/x"),
        (b"http://[::1]:80/@me", b"http://[::1]:80/@me"),
        (b"http://a/users/@me", b"http://a/users/@me"),
        (b"me:hunter2@a:443", b"a:443"),
        (b"hunter2@a:443", b"a:443"),
        (b"//me:hunter2@a/x", b"//a/x"),
        (b"//hunter2@a/x", b"//a/x"),
        (b"/\\me:hunter2@a/x", b"/\\a/x"),
        (b"\\\\me:hunter2@a/x", b"\\\\a/x"),
        (b"///me:hunter2@a/x", b"///a/x"),
        (b"//me:h@nter2@a/x", b"//a/x"),
        (b"//me:hunter2%40a/x", b"//a/x"),
        (b"/%2f%2Fme%3ahunter2%40a/x", b"/%2f%2Fa/x"),
        (b"/get/https://me:hunter2@a/x", b"/get/https://a/x"),
        (b"/get/https://hunter2@a/x", b"/get/https://a/x"),
        (b"/get/https:/me:hunter2@a/x", b"/get/https:/a/x"),
        (b"/get/https:/hunter2@a/x", b"/get/https:/a/x"),
        (b"/get/https%3A%2F%2Fme%3Ahunter2%40a%2Fx", b"/get/https%3A%2F%2Fa%2Fx"),
        (b"/get/https%253A%252F%252Fhunter2%2540a%252Fx", b"/get/https%253A%252F%252Fa%252Fx"),
        (b"/get/me:hunter2@a/x", b"/get/a/x"),
        (b"/@scope/pkg@1.0/users/me@example.com", b"/@scope/pkg@1.0/users/me@example.com"),
        (b"/v1/a:b/c@d:e", b"/v1/a:b/c@d:e"),
        (b"http:///@me", b"http:///@me"),
    ],
)
def test_what_is_shown_of_a_target_holds_no_secret(target: bytes, expected: bytes) -> None:
    assert expected == shown_path(target)


@given(st.text("a@:/%40\\?", max_size=30))
def test_a_path_without_a_user_is_shown_whole(text: str) -> None:
    path = f"/{text}".encode().partition(b"?")[0]

    if b"@" not in path and b"%40" not in path:
        assert path == shown_path(path)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (b"a:80", b"a:80"),
        (b"me:hunter2@a:80", b"a:80"),
        (b"me:hun/ter2@a", b"a"),
        (b"me:hunter2%40a", b"a"),
    ],
)
def test_what_is_shown_of_a_host_holds_no_secret(host: bytes, expected: bytes) -> None:
    assert expected == shown_host(host)
