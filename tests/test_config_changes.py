from pathlib import Path

import pytest

from authproxy.config.changes import NEEDS_RESTART, applicable, find_changes
from authproxy.settings import Settings
from tests.support.configuring import settings

BEFORE = """
[services.a]
url = "https://a.example"
[services.b]
url = "https://b.example"
[keys.k]
sha256 = ["{digest}"]
"""


def read(folder: Path, text: str) -> Settings:
    file = folder / "authproxy.toml"
    file.write_text(text.replace("{digest}", "a" * 64))
    return settings(file=file)


@pytest.mark.parametrize(
    ("top", "old", "new", "applied", "restart"),
    [
        ("", "", "", [], []),
        ('deny = ["192.0.2.1"]', "", "", ["deny changes"], []),
        ("[timeouts]\ndrain = 3", "", "", ["timeouts.drain changes"], []),
        (
            "[limits]\nconnections = 3\nheaders = 9",
            "",
            "",
            ["limits.headers changes"],
            ["limits.connections"],
        ),
        ('admin = "4041"\n[log]\nlevel = "debug"', "", "", [], ["admin", "log.level"]),
        ("", "[services.b]", "[services.c]", ["service b is taken out", "service c is added"], []),
        (
            "",
            '"https://b.example"',
            '"https://b.example"\npath = "/c"',
            ["service b: path changes"],
            [],
        ),
        ("", '"https://b.example"', '"https://b.example"\nlog = "error"', [], ["services.b.log"]),
        ("", "{digest}", "b" * 64, ["key k: sha256 changes"], []),
        ("", "[keys.k]", "[keys.l]", ["key k is taken out", "key l is added"], []),
    ],
)  # fmt: skip -- a row is a case
def test_changes_are_said_in_words_and_without_values(
    top: str, old: str, new: str, applied: list[str], restart: list[str], tmp_path: Path
) -> None:
    before = read(tmp_path, BEFORE)
    tables = BEFORE.replace(old, new) if old else BEFORE
    found = find_changes(before, read(tmp_path, top + tables))

    assert (applied, restart) == (list(found.applied), list(found.needs_restart))


def test_what_needs_a_restart_stays_as_it_was(tmp_path: Path) -> None:
    before = read(tmp_path, BEFORE)
    top = 'admin = "4041"\nhosts = ["x.example"]\n[limits]\nconnections = 3\nheaders = 9\n'
    text = top + BEFORE
    after = read(tmp_path, text)
    used = applicable(before, after)

    assert (before.admin, 0) == (used.admin, used.limits.connections)
    assert (("x.example",), 9) == (used.hosts, used.limits.headers)
    assert [] == list(find_changes(used, used).needs_restart)
    assert ["admin", "limits.connections"] == list(find_changes(used, after).needs_restart)


def test_what_needs_a_restart_is_a_setting() -> None:
    for path in NEEDS_RESTART:
        table, _, name = path.partition(".")
        field = Settings.model_fields[table]
        assert not name or name in type(field.default).model_fields
