import pytest

from authproxy.values.path_rules import asked_path, find_misfits


@pytest.mark.parametrize(
    ("path", "strips", "expected"),
    [
        (None, False, "/admin"),
        ("/", True, "/admin"),
        ("/one", False, "/admin"),
        ("/one", True, "/one/admin"),
    ],
)
def test_what_a_rule_means_is_asked_for_with_the_path_that_is_stripped(
    path: str | None, strips: bool, expected: str
) -> None:
    assert expected == asked_path("/admin", path, strips=strips)


def test_all_of_a_stripped_service_is_asked_for_by_its_path() -> None:
    assert "/one" == asked_path("/", "/one", strips=True)


@pytest.mark.parametrize(
    ("paths", "deny_paths", "path", "strips"),
    [
        ([], ["/admin"], None, False),
        ([], ["/admin"], "/", True),
        ([], ["/admin"], "/one", True),
        ([], ["/one/admin"], "/one", False),
        (["/"], [], "/one", False),
        (["/api"], ["/api/secret", "/API/Other"], None, False),
        (["/api/v1"], ["/api/v1/secret"], "/api", False),
    ],
)
def test_rules_that_can_fit_are_left_alone(
    paths: list[str], deny_paths: list[str], path: str | None, strips: bool
) -> None:
    assert [] == list(find_misfits(paths, deny_paths, path, strips=strips))


@pytest.mark.parametrize(
    ("paths", "deny_paths", "path", "strips", "expected"),
    [
        (
            *([], ["/admin"], "/one", False),
            'deny_paths "/admin" has no effect at localhost, where this service is asked for /one'
            ' and what is below it: write "/one/admin", or strip_path = true',
        ),
        (
            *(["/onetwo"], [], "/one", False),
            'paths "/onetwo" has no effect at localhost, where this service is asked for /one'
            ' and what is below it: write "/one/onetwo", or strip_path = true',
        ),
        (
            *([], ["/one/admin"], "/one", True),
            'deny_paths "/one/admin" is about what the service gets, which is without /one'
            ' (strip_path): write "/admin"',
        ),
        (
            *(["/one"], [], "/one", True),
            'paths "/one" is about what the service gets, which is without /one (strip_path):'
            ' write "/"',
        ),
        (
            *(["/api"], ["/admin"], None, False),
            'deny_paths "/admin" has no effect: paths lets nothing there through',
        ),
        (
            *(["/api/v1"], ["/API"], None, False),
            'paths "/api/v1" has no effect: deny_paths "/API" refuses all of it',
        ),
    ],
)
def test_a_rule_that_fits_nothing_is_named_with_what_to_write(
    paths: list[str], deny_paths: list[str], path: str | None, strips: bool, expected: str
) -> None:
    key, _, sentence = expected.partition(" ")

    assert [(key, 0, sentence)] == list(find_misfits(paths, deny_paths, path, strips=strips))
