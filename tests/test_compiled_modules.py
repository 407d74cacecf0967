"""The modules that may be compiled: what is listed is there, and has none of mypyc's traps."""

import ast
from pathlib import Path

import pytest

from tests.support import builds
from tests.support.builds import LISTED
from tests.support.compiling import RULES

ROOT = Path(__file__).parent.parent

TRAPS = {
    "errors_of_one_name": """
def feed(self):
    try:
        self.read()
    except ValueError as error:
        self.tell(error)
    except OSError as error:
        self.end(error)
""",
    "slots_of_dataclasses": """
@dataclass(frozen=True, slots=True)
class Point:
    x: int
""",
    "generic_dataclasses": """
@dataclass
class Route(Generic[T]):
    to: T
""",
    "aliases_in_class_bodies": """
class Connection:
    recheck = rechecking.recheck
""",
    "defaults_that_are_lost": """
class Relay:
    body: Chunks | Stream | None = None
""",
    "coroutines": """
async def wait():
    await done
""",
    "attributes_asked_again": """
def advance(self):
    self.current = self.waiting.pop()
    self.current.start()
    if self.current is not None:
        self.current.flush()
""",
}
"""For each rule, what it must find."""

HARMLESS = """
def feed(self):
    try:
        self.read()
    except ValueError as error:
        self.tell(error)
    except OSError as failure:
        self.end(failure)
    self.current = self.waiting.pop()

@dataclass(frozen=True)
class Point:
    x: int
    name: str | None = None
    both = 0
"""


def test_what_is_listed_is_there_once_and_in_order() -> None:
    assert sorted(set(LISTED)) == LISTED
    assert [] == [name for name in LISTED if not (ROOT / name).is_file()]


@pytest.mark.parametrize("name", LISTED)
def test_no_trap_is_in_a_module_that_is_compiled(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text())

    assert [] == [found for rule in RULES.values() for found in rule(tree)]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_finds_its_trap_and_nothing_where_there_is_none(rule: str) -> None:
    assert 1 == len(list(RULES[rule](ast.parse(TRAPS[rule]))))
    assert [] == list(RULES[rule](ast.parse(HARMLESS)))


def test_a_run_on_the_compiled_build_fails_where_a_module_is_not() -> None:
    with pytest.raises(pytest.UsageError, match=r"authproxy\.errors from .*errors\.py"):
        builds.check_modules(["authproxy/errors.py"])
    with pytest.raises(pytest.UsageError, match=r"authproxy\.not_there from None"):
        builds.check_modules(["authproxy/not_there.py"])
