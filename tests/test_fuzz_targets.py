"""A short run of each fuzz target, the same each time; and that no parser has none."""

import time
from pathlib import Path

import pytest

from fuzz.mutation import near
from fuzz.targets import TARGETS, WITHOUT, Broken, Target
from tests.support.parsers import parser_modules

PACKAGE = Path(__file__).parent.parent / "authproxy"
PRETENDED = ("demo.",)
"""The pretend Google of demos and tests."""
COUNT = 400
SLOW = {"data_path": 30, "tail": 60, "credential_files": 100, "settings": 100, "variables": 200}
"""Of these fewer."""
MOST_S = 10.0
"""For one input; they take a millisecond, so that this is no speed but an end."""


def run(target: Target, count: int) -> None:
    for data in (*target.seeds, b"", *near(target.seeds, count)):
        began = time.process_time()
        try:
            target.play(data)
        except Exception as error:
            error.add_note(f"{data!r:.3000}")
            raise
        assert time.process_time() - began < MOST_S, f"{data!r:.3000}"


@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_keeps_its_promises_on_inputs_near_to_its_seeds(name: str) -> None:
    run(TARGETS[name], SLOW.get(name, COUNT))


def test_each_parser_has_a_target_or_a_reason() -> None:
    found = {name for name in parser_modules(PACKAGE) if not name.startswith(PRETENDED)}
    fed = {module for target in TARGETS.values() for module in target.modules}

    assert set() == found - fed - WITHOUT.keys()
    assert set() == WITHOUT.keys() & fed, "they have a target"
    modules = {
        ".".join(file.relative_to(PACKAGE).with_suffix("").parts) for file in PACKAGE.rglob("*.py")
    }
    assert set() == (fed | WITHOUT.keys()) - modules, "there is no such module"


def test_a_parser_without_a_target_is_found(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(
        "class A:\n def feed(self, data: bytes) -> None: ...\n"
        "def parse_it(text: str) -> int: ...\ndef parse_number(number: int) -> int: ...\n"
    )
    (tmp_path / "two.py").write_text("def write(data: bytes) -> None: ...\n")

    assert {"one": ["A.feed", "parse_it"]} == parser_modules(tmp_path)


def test_a_fault_of_a_parser_is_found() -> None:
    def play(data: bytes) -> None:
        if b"[" in data:
            raise Broken(repr(data))

    target = Target(play=play, modules=(), seeds=(b"abc",))

    with pytest.raises(Broken):
        run(target, COUNT)


def test_inputs_are_the_same_each_time() -> None:
    assert list(near((b"a", b"bc"), 50)) == list(near((b"a", b"bc"), 50))
