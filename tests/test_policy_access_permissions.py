"""Methods and paths that may be used, whatever way they are spelled."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.errors import Code, Refused
from authproxy.policy.access.overrides import METHOD_FIELDS, PATH_FIELDS
from authproxy.policy.access.permissions import Permissions

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


@pytest.mark.parametrize("method", [b"delete", b"Delete", b"DELETe"])
def test_no_spelling_of_a_method_gets_round_a_denial(method: bytes) -> None:
    """Flask and Django, for two, make capitals of it."""
    assert Code.METHOD_NOT_ALLOWED == refusal(
        Permissions(deny_methods=frozenset([b"DELETE"])), b"/", method
    )
    assert Code.METHOD_NOT_ALLOWED == refusal(
        Permissions(methods=frozenset([b"DELETE"])), b"/", method
    )


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
        *(b"/a%2fb/../%61dmin", b"/;%2fx/%61dmin", b"/a%2fb/%2e%2e/%2e%2e/admin", b"/..;/admin"),
        *(b"//h/admin", b"/\\h\\admin", b"//..%61dmin", b"///h/admin", b"/%2f%2fh/admin"),
        *(b"/admin%3fx", b"/admin%23x", b"/%20admin", b"/x%2f%2e.%20/admin", b"/admin%2e/x"),
        *(b"/%ef%bc%8e%ef%bc%8e/admin", b"/%ef%bd%81dmin", b"/x/%e2%80%a5/admin", b"/adm%c4%b1n"),
        *(b"/adm%c2%adin", b"/a\xe2\x80\x8bdmin", b"/x/.%e2%80%8b./admin", b"/%ef%bb%bfadmin/x"),
        *(b"/%u0061dmin", b"/%c0%afadmin", b"/x%u002f", b"/%e0%80%af", b"/x%00", b"/%0a"),
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
        (b"/api%2f..", False),
        (b"/api/..;/x", False),
        (b"/api/a%2f..%2f..", False),
        (b"/api/x%3f", True),
        (b"/api%3f/x", False),
        (b"/api/a%2fb/caf%c3%a9/%E9", True),
        (b"*", False),
    ],
)
def test_what_is_allowed_must_be_so_in_every_reading(target: bytes, passes: bool) -> None:
    assert passes is (refusal(API_ONLY, target) is None)


def test_without_rules_for_paths_none_is_looked_at() -> None:
    assert refusal(READ_ONLY, b"/%00/../" + b"%25" * 9 + b"61") is None


OF_CI = Permissions(methods=frozenset([b"GET", b"HEAD"]), paths=(b"/api", b"/v1"), key="ci")


def test_a_key_hears_its_name_what_it_is_for_and_who_decides() -> None:
    OF_CI.check(b"HEAD", b"/api/x")
    with pytest.raises(Refused) as of_method:
        OF_CI.check(b"DELETE", b"/api/x")
    with pytest.raises(Refused) as of_path:
        OF_CI.check(b"GET", b"/admin")
    with pytest.raises(Refused) as of_many:
        Permissions(paths=tuple(b"/%d" % n for n in range(10)), key="ci").check(b"GET", b"/")

    assert [(403, Code.KEY_NOT_ALLOWED)] * 3 == [
        (raised.value.status, raised.value.code) for raised in (of_method, of_path, of_many)
    ]
    assert "The key ci may not be used with this method." == of_method.value.message
    assert (
        "It is for the methods GET or HEAD: the setting `methods` of [keys.ci] in the configuration"
        " of authproxy decides."
    ) == of_method.value.hint
    assert "The key ci may not be used with this path." == of_path.value.message
    assert (
        "It is for paths that begin with /api or /v1: the setting `paths` of [keys.ci] in the"
        " configuration of authproxy decides."
    ) == of_path.value.hint
    assert "/0, /1, /2, /3, /4, /5, /6 or /7, and 2 more: the" in of_many.value.hint
    assert "the key ci: '/admin' is not in paths" == of_path.value.detail
    assert "the key ci: DELETE is not in methods" == of_method.value.detail


def test_no_field_gets_round_what_a_key_may_do() -> None:
    for name in (b"x-http-method-override", b"x-original-url"):
        with pytest.raises(Refused, match="after authproxy has checked it") as raised:
            OF_CI.check_overrides({name})
        assert "Leave it out: the key ci has rules for" in raised.value.hint


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


@pytest.mark.parametrize("name", sorted(METHOD_FIELDS))
def test_a_field_with_another_method_does_not_pass_a_rule_for_methods(name: bytes) -> None:
    with pytest.raises(Refused, match="change the request's method") as caught:
        READ_ONLY.check_overrides(frozenset([name]))

    assert Code.OVERRIDE_NOT_ALLOWED == caught.value.code
    NO_ADMIN.check_overrides(frozenset([name]))


@pytest.mark.parametrize("name", sorted(PATH_FIELDS))
def test_a_field_with_another_path_does_not_pass_a_rule_for_paths(name: bytes) -> None:
    for rules in (NO_ADMIN, API_ONLY):
        with pytest.raises(Refused, match="change the request's path") as caught:
            rules.check_overrides(frozenset([name]))
        assert Code.OVERRIDE_NOT_ALLOWED == caught.value.code
    READ_ONLY.check_overrides(frozenset([name]))


def test_what_the_log_says_of_a_refused_path_has_no_secret() -> None:
    for target in (b"//me:hunter2@h/../admin", b"/%2f%2fhunter2%40h/../admin"):
        with pytest.raises(Refused) as caught:
            NO_ADMIN.check(b"GET", target)
        assert "hunter2" not in caught.value.detail
