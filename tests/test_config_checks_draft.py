"""What checks ask of a draft."""

from authproxy.config.checks.draft import Draft
from authproxy.config.readers.entries import Entry
from tests.support.configuring import URL, settings

EVERY = ("services", "billing", "audience")


def draft(*entries: Entry) -> Draft:
    found = settings(urls=[URL])
    return Draft(settings=found, entries={entry.path: entry for entry in entries}, environ={})


def entry(path: tuple[str, ...], value: object, *, key: str = "") -> Entry:
    return Entry(path=path, where="a.toml:3", key=key or ".".join(path), value=value)


def test_a_warning_is_a_problem_that_only_warns() -> None:
    one = draft(entry(("allow",), ["::1"]))

    assert one.warning(("allow",), "is odd").warns
    assert not one.problem(("allow",), "is odd").warns
    assert "a.toml:3: allow: is odd" == str(one.warning(("allow",), "is odd"))


def test_what_nobody_wrote_is_said_to_be_a_default() -> None:
    assert "defaults: allow: is odd" == str(draft().problem(("allow",), "is odd"))


def test_a_flag_is_for_all_services_and_a_line_of_the_file_for_one() -> None:
    assert draft(entry(EVERY, "x", key="--audience")).is_for_all(EVERY)
    assert draft(entry(EVERY, "x", key="AUTHPROXY_AUDIENCE")).is_for_all(EVERY)
    assert not draft(entry(EVERY, "x")).is_for_all(EVERY)
    assert not draft().is_for_all(EVERY)


def test_a_list_is_given_as_texts_however_it_was_written() -> None:
    path = ("allow",)

    assert ["a", "b"] == draft(entry(path, ["a", 3, "b"])).texts(path)
    assert ["a", "b"] == draft(entry(path, "a,b")).texts(path)
    assert [] == draft().texts(path)
