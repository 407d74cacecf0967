from pathlib import Path

import pytest

from authproxy.commands.choice import choose, is_name
from authproxy.errors import ConfigError
from tests.support.configuring import URL, settings

REPORTS = "https://reports-abc123-ew.a.run.app"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "authproxy.toml"
    path.write_text('[services.one]\nurl = "https://one"\n[services.two]\nurl = "https://two"\n')
    return path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ("one", "two")),
        (("two",), ("two",)),
        (("two", "two"), ("two",)),
        ((URL,), ("billing",)),
        ((f"mine={URL}", "one", REPORTS), ("mine", "one", "reports")),
    ],
)
def test_names_and_addresses_choose(
    file: Path, words: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    found, names = choose(words, lambda urls: settings(file=file, urls=urls))

    assert expected == names
    assert set(names) <= set(found.services)


def test_a_word_with_a_dot_is_an_address(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"not a URL; write https://one\.example"):
        choose(("one.example",), lambda urls: settings(file=file, urls=urls))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("twoo", 'command line: URL: no service is called "twoo"; did you mean "two"?'),
        ("other", 'command line: URL: no service is called "other"; there is one, two'),
    ],
)
def test_a_name_that_nobody_has_is_refused(file: Path, word: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        choose((word,), lambda urls: settings(file=file, urls=urls))

    assert expected == str(caught.value)


def test_of_many_names_a_few_are_listed() -> None:
    urls = [f"service{number}=https://a" for number in range(12)]
    with pytest.raises(ConfigError, match=r"service8, service9, …$"):
        choose(("x",), lambda _: settings(urls=urls))


@pytest.mark.parametrize(
    ("word", "expected"),
    [("billing", True), ("a.run.app", False), ("https://a", False), ("x=a", False), ("B", False)],
)
def test_a_name_is_what_can_be_no_address(word: str, *, expected: bool) -> None:
    assert expected is is_name(word)
