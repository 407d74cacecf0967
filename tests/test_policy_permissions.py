"""Methods and paths that may be used, whatever way they are spelled."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.errors import Code, Refused
from authproxy.policy import permissions
from authproxy.policy.permissions import Permissions

READ_ONLY = Permissions(methods=frozenset([b"GET", b"HEAD"]))
NO_ADMIN = Permissions(deny_paths=(b"/admin", b"/pkg.Service/Delete"))
API_ONLY = Permissions(paths=(b"/api",), deny_paths=(b"/api/secret",))


def refusal(rules: Permissions, target: bytes, method: bytes = b"GET") -> Code | None:
    try:
        rules.check(method, target)
    except Refused as refused:
        return refused.code
    return None


def test_a_method_that_is_not_allowed_is_answered_with_those_that_are() -> None:
    assert refusal(READ_ONLY, b"/", b"HEAD") is None
    with pytest.raises(Refused) as raised:
        READ_ONLY.check(b"POST", b"/")
    assert (405, {"Allow": "GET, HEAD"}) == (raised.value.status, raised.value.fields)


def test_a_method_may_be_denied_alone() -> None:
    rules = Permissions(deny_methods=frozenset([b"DELETE"]))

    assert refusal(rules, b"/", b"PURGE") is None
    with pytest.raises(Refused) as raised:
        rules.check(b"DELETE", b"/")
    assert "GET, HEAD, OPTIONS, PATCH, POST, PUT" == raised.value.fields["Allow"]


@pytest.mark.parametrize(
    "target", [b"/", b"/administrator", b"/a?/admin", b"/x/admin", b"/pkg.Service/Get", b"*"]
)
def test_what_is_not_denied_passes(target: bytes) -> None:
    assert refusal(NO_ADMIN, target) is None


@pytest.mark.parametrize(
    "target",
    [
        *(b"/admin", b"/admin/", b"/admin/x", b"/admin?x", b"/ADMIN", b"//admin", b"/./admin"),
        *(b"/x/../admin", b"/%61dmin", b"/%2561dmin", b"/x/%2e%2e/admin", b"/x%2f..%2fadmin"),
        *(b"/\\admin", b"/x\\..\\admin", b"/x/%5c../../admin", b"/admin;x=1", b"/;a/admin"),
        *(b"/admin.", b"/admin%20", b"/x/..;/admin", b"/%2e/admin", b"/pkg.Service/Delete"),
        *(b"/x\x00", b"/%00", b"/%" + b"25" * 5 + b"61dmin"),
    ],
)
def test_no_spelling_gets_round_a_denial(target: bytes) -> None:
    assert Code.PATH_NOT_ALLOWED == refusal(NO_ADMIN, target)


@pytest.mark.parametrize(
    ("target", "passes"),
    [
        (b"/api", True),
        (b"/api/x", True),
        (b"/api/x?y=/..", True),
        (b"/apis", False),
        (b"/", False),
        (b"/api/../x", False),
        (b"/api/%2e%2e/x", False),
        (b"/api/secret", False),
        (b"/api//secret/x", False),
        (b"/API/x", False),
    ],
)
def test_what_is_allowed_must_be_so_in_every_reading(target: bytes, passes: bool) -> None:
    assert passes is (refusal(API_ONLY, target) is None)


def test_without_rules_for_paths_none_is_looked_at() -> None:
    assert refusal(READ_ONLY, b"/%00/../" + b"%25" * 9 + b"61") is None


SPELLED = st.sampled_from(
    ["/admin", "/./admin", "//admin", "/a/../admin", "/a/b/../../admin", "/ADMIN/x", "/admin;p"]
)


@given(SPELLED, st.lists(st.integers(0, 20)), st.integers(0, 2))
def test_no_encoding_of_a_denied_path_passes(path: str, at: list[int], layers: int) -> None:
    text = "".join(
        f"%{ord(char):02x}" if index in at and index else char for index, char in enumerate(path)
    )
    for _ in range(layers):
        text = quote(text, safe="/")
    assert Code.PATH_NOT_ALLOWED == refusal(NO_ADMIN, text.encode())


@given(st.text("aZ09_~-./%;\\ +", max_size=12))
def test_a_path_that_is_taken_as_it_is_has_one_reading(text: str) -> None:
    path = f"/{text}".encode()

    if permissions._PLAIN.fullmatch(path):
        assert {path} == set(permissions.readings(path))
