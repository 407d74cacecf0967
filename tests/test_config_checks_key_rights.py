"""What a key is given that it cannot have, or that nobody lets it use."""

import hashlib
from pathlib import Path

import pytest

from authproxy.config.loading import load
from authproxy.errors import ConfigError

ONE = "one@p.iam.gserviceaccount.com"
SERVICES = {
    "plain": "",
    "own": f'impersonate = "{ONE}"\n',
    "none": 'credentials = "none"\n',
    "reads": 'methods = "read-only"\n',
    "api": 'paths = "/api"\ndeny_paths = "/api/secret"\n',
    "below": 'path = "/below"\nstrip_path = true\n',
}


def said(tmp_path: Path, rights: str, *services: str) -> tuple[list[str], list[str]]:
    """What is wrong with a key, and what is only worth saying."""
    file, told = tmp_path / "authproxy.toml", list[str]()
    digest = hashlib.sha256(b"k").hexdigest()
    text = f'[keys.ci]\nsha256 = "{digest}"\n{rights}\n'
    for name in services:
        text += f'[services.{name}]\nurl = "https://{name}.example"\n{SERVICES[name]}'
    file.write_text(text)
    try:
        load(urls=(), file=file, flags={}, environ={}, warn=lambda each: told.append(str(each)))
    except ConfigError as error:
        return [each.message for each in error.problems if each.key.startswith("keys.")], []
    return [], [each.partition(": keys.ci.")[2] for each in told if ": keys.ci." in each]


@pytest.mark.parametrize(
    ("rights", "services", "problem"),
    [
        (f'impersonate = "{ONE}"', ("none", "plain"), 'the service "none" has credentials of the'),
        ('impersonate = "me@gmail.com"', ("plain",), "is a person's address"),
        ('impersonate = "ci"', ("plain",), "is not a service account"),
        ('methods = ["GETT"]', ("plain",), 'did you mean "GET"?'),
        ('methods = "readonly"', ("plain",), 'did you mean "read-only"?'),
        ('methods = ["TRACE"]', ("plain",), "leaves no method that may be used"),
        ('methods = ["DELETE"]', ("reads",), "no service that the key opens allows any of these"),
        ('paths = ["api"]', ("plain",), "/api"),
        ('paths = ["/x", "/api/secret"]', ("api",), "no service that the key opens lets any of"),
    ],
)
def test_what_cannot_work_is_a_problem(
    rights: str, services: tuple[str, ...], problem: str, tmp_path: Path
) -> None:
    problems, _ = said(tmp_path, rights, *services)

    assert 1 == len(problems)
    assert problem in problems[0]


@pytest.mark.parametrize(
    ("rights", "services", "warning"),
    [
        (f'impersonate = "{ONE}"', ("own",), "impersonate: has no effect: the services themselves"),
        ('methods = ["GET", "TRACE"]', ("plain",), "methods: TRACE has no effect: it never passes"),
        ('methods = ["GET", "FROB"]', ("plain",), 'methods: HTTP knows no method "FROB"'),
        ('methods = ["GET", "PUT"]', ("reads",), "methods: PUT has no effect: no service"),
        ('methods = ["PUT"]', ("reads", "plain"), 'methods: the service "reads" allows none'),
        ('paths = ["/api", "/x"]', ("api",), 'paths: "/x" has no effect: no service'),
        ('paths = ["/a", "/a/b"]', ("plain",), 'paths: "/a/b" has no effect: it is in "/a"'),
        ('paths = ["/"]', ("plain",), "paths: / has no effect: it is every path"),
        ('paths = ["/below/a"]', ("below",), "which is without /below (strip_path)"),
    ],
)
def test_what_does_nothing_is_told(
    rights: str, services: tuple[str, ...], warning: str, tmp_path: Path
) -> None:
    problems, warnings = said(tmp_path, rights, *services)

    assert [] == problems
    assert any(warning in each for each in warnings), warnings


def test_what_is_well_is_taken_without_a_word(tmp_path: Path) -> None:
    rights = f'impersonate = "{ONE}"\nmethods = ["read-only", "POST"]\npaths = ["/api", "/v1"]'

    assert ([], []) == said(tmp_path, rights, "plain", "own", "api", "below")
    assert ([], []) == said(tmp_path, f'{rights}\nservices = ["plain"]', "plain", "none")
