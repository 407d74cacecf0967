"""Old names of settings: read, warned of, and refused beside the new one. The table is handed in,
since there is no such name yet."""

from pathlib import Path

import pytest

from authproxy.config.loading import load, load_keywords
from authproxy.config.readers.old_names import OLD_NAMES, OldName, faults
from authproxy.errors import ConfigError
from authproxy.settings import Settings
from tests.support.configuring import settings

URL = "https://a.example"


def minutes(value: object) -> object:
    """Of a setting that was in minutes and is in seconds."""
    try:
        return 60 * float(str(value))
    except ValueError:
        raise ValueError(f'"{value}" is no number of minutes') from None


ROWS = (
    OldName(old=("services", "*", "path_prefix"), new=("services", "*", "path"), since="0.2.0"),
    OldName(old=("services", "*", "verbs"), new=("services", "*", "methods"), since="0.2.0"),
    OldName(old=("backends", "*", "address"), new=("services", "*", "url"), since="0.2.0"),
    OldName(old=("timeouts", "grace"), new=("timeouts", "drain"), since="0.3.0", translate=minutes),
    OldName(old=("tracing", "send"), new=("traces", "export"), since="0.3.0"),
    OldName(old=("admit",), new=("allow",), since="0.4.0"),
)


def read(
    text: str = "", folder: Path | None = None, environ: dict[str, str] | None = None
) -> tuple[Settings | None, list[str]]:
    """The settings, or None, and each warning or problem on a line."""
    file = folder / "a.toml" if folder else None
    if file:
        file.write_text(text)
    said: list[str] = []
    urls = [] if "address" in text or "url" in text else [f"a={URL}"]
    shown = f"{folder}/"
    try:
        found = load(
            urls=urls,
            file=file,
            flags={},
            environ=environ or {},
            warn=lambda problem: said.append(str(problem).replace(shown, "")),
            renamed=ROWS,
        )
    except ConfigError as error:
        return None, [str(problem).replace(shown, "") for problem in error.problems]
    return found, said


def old(new_name: str, since: str) -> str:
    return f"is an old name, which a later version will refuse; since {since} it is {new_name}"


def quoted(name: str) -> str:
    return f'"{name}"'


def test_an_old_key_counts_as_the_new_one_and_is_warned_of_at_its_line(tmp_path: Path) -> None:
    text = f'[services.a]\nurl = "{URL}"\npath_prefix = "/a"\nverbs = ["GET"]\n'

    found, said = read(text, tmp_path)

    assert found
    assert ("/a", ("GET",)) == (found.services["a"].path, found.services["a"].methods)
    assert [
        f"a.toml:3: services.a.path_prefix: {old('path in [services.a]', '0.2.0')}",
        f"a.toml:4: services.a.verbs: {old('methods in [services.a]', '0.2.0')}",
    ] == said


def test_a_key_of_a_table_that_had_another_name_counts(tmp_path: Path) -> None:
    text = f'admit = ["10.0.0.0/8"]\n[tracing]\nsend = "on"\n[backends.b]\naddress = "{URL}"\n'

    found, said = read(text, tmp_path)

    assert found
    assert (["b"], "on", ["10.0.0.0/8"]) == (
        list(found.services),
        found.traces.export,
        [str(network) for network in found.allow],
    )
    assert [
        f"a.toml:1: admit: {old('allow, above all tables', '0.4.0')}",
        f"a.toml:3: tracing.send: {old('export in [traces]', '0.3.0')}",
        f"a.toml:5: backends.b.address: {old('url in [services.b]', '0.2.0')}",
    ] == [line for line in said if "old name" in line]


def test_the_value_of_an_old_name_is_translated(tmp_path: Path) -> None:
    found, said = read("[timeouts]\ngrace = 2\n", tmp_path)

    assert found
    assert 120 == found.timeouts.drain
    assert [f"a.toml:2: timeouts.grace: {old('drain in [timeouts]', '0.3.0')}"] == said


def test_a_value_that_cannot_be_translated_is_a_problem_at_its_line(tmp_path: Path) -> None:
    assert [
        'a.toml:2: timeouts.grace: "soon" is no number of minutes; it is called drain in [timeouts]'
        " since 0.3.0"
    ] == read('[timeouts]\ngrace = "soon"\n', tmp_path)[1]


def test_what_is_wrong_with_the_value_is_told_by_the_name_that_was_written(tmp_path: Path) -> None:
    [said] = read('[services.a]\nurl = "https://a"\npath_prefix = "a b?"\n', tmp_path)[1]

    assert said.startswith("a.toml:3: services.a.path_prefix: ")


def test_both_names_in_one_file_are_a_problem(tmp_path: Path) -> None:
    assert [
        "a.toml:3: timeouts.grace: is the old name of timeouts.drain (a.toml:2); remove it"
    ] == (read("[timeouts]\ndrain = 3\ngrace = 2\n", tmp_path)[1])


def test_an_unknown_key_is_still_a_problem(tmp_path: Path) -> None:
    snd, grase = read('[tracing]\nsnd = "on"\n[timeouts]\ngrase = 2\n', tmp_path)[1]

    assert "a.toml:2: tracing.snd: there is no such key; remove it or correct its name" == snd
    assert grase.startswith("a.toml:4: timeouts.grase: there is no such key; known here: connect")


def test_old_variables_count_and_are_warned_of() -> None:
    environ = {
        "AUTHPROXY_VERBS": "GET, HEAD",
        "AUTHPROXY_SERVICES_A_PATH_PREFIX": "/a",
        "AUTHPROXY_TIMEOUTS_GRACE": "1",
    }

    found, said = read(environ=environ)

    assert found
    service = found.services["a"]
    assert (("GET", "HEAD"), "/a", 60) == (service.methods, service.path, found.timeouts.drain)
    assert {
        f"environment: AUTHPROXY_VERBS: {old('AUTHPROXY_METHODS', '0.2.0')}",
        "environment: AUTHPROXY_SERVICES_A_PATH_PREFIX: "
        + old("AUTHPROXY_SERVICES_A_PATH", "0.2.0"),
        f"environment: AUTHPROXY_TIMEOUTS_GRACE: {old('AUTHPROXY_TIMEOUTS_DRAIN', '0.3.0')}",
    } == set(said)


def test_the_environment_beats_the_file_whatever_the_names(tmp_path: Path) -> None:
    text = "[timeouts]\ngrace = 2\n"

    newer, _ = read(text, tmp_path, {"AUTHPROXY_TIMEOUTS_DRAIN": "7"})
    older, _ = read("[timeouts]\ndrain = 2\n", tmp_path, {"AUTHPROXY_TIMEOUTS_GRACE": "1"})

    assert newer
    assert older
    assert (7, 60) == (newer.timeouts.drain, older.timeouts.drain)


def test_both_names_of_a_variable_are_a_problem() -> None:
    environ = {"AUTHPROXY_TIMEOUTS_GRACE": "1", "AUTHPROXY_TIMEOUTS_DRAIN": "7"}

    assert [
        "environment: AUTHPROXY_TIMEOUTS_GRACE: is the old name of AUTHPROXY_TIMEOUTS_DRAIN"
        " (environment); remove it"
    ] == read(environ=environ)[1]


def test_python_programs_may_use_old_names() -> None:
    said: list[str] = []

    found = load_keywords(
        {"a": {"url": URL, "path_prefix": "/a"}},
        {"verbs": ["GET"], "timeouts": {"grace": 1}, "tracing": {"send": "on"}},
        where="here",
        environ={},
        warn=lambda problem: said.append(str(problem)),
        renamed=ROWS,
    )

    service = found.services["a"]
    assert (("GET",), "/a", 60, "on") == (
        service.methods,
        service.path,
        found.timeouts.drain,
        found.traces.export,
    )
    assert {
        f"here: verbs: {old(quoted('methods'), '0.2.0')}",
        f"here: timeouts.grace: {old(quoted('timeouts.drain'), '0.3.0')}",
        f"here: tracing.send: {old(quoted('traces.export'), '0.3.0')}",
        f"here: services.a.path_prefix: {old(quoted('services.a.path'), '0.2.0')}",
    } == set(said)


def test_old_names_are_refused_where_the_table_has_none(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("[timeouts]\ngrace = 2\n")

    with pytest.raises(ConfigError, match=r"timeouts\.grace: there is no such key"):
        settings(file=file, urls=[URL])


def test_the_table_leads_from_no_setting_to_one() -> None:
    wrong = (
        OldName(old=("listen",), new=("listne",), since="0.2.0"),
        OldName(old=("target",), new=("services", "*", "url"), since="0.2.0"),
        OldName(old=("target",), new=("allow",), since="0.2.0"),
    )

    assert [] == faults(OLD_NAMES) == faults(ROWS)
    assert [
        "listen is a setting of today",
        "listne is no setting",
        "target does not say for which of services",
        "target is there twice",
        "target is there twice",
    ] == faults(wrong)
