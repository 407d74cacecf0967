"""Breaks each rule of tests/test_architecture.py in a made-up tree: it must be found."""

import ast
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support import house


def tree(source: str) -> ast.Module:
    return ast.parse(dedent(source))


def class_of(lines: int, base: str = "") -> ast.Module:
    return tree(f"class Large({base}):\n" + "    x = 1\n" * (lines - 1))


def test_modules_are_counted_by_folder_without_those_that_open_it() -> None:
    paths = ["a/__init__.py", "a/b.py", "a/c.py", "a/d/__main__.py", "a/d/e.py"]

    assert {"a": 2, "a/d": 1} == house.modules_by_folder(paths)


@pytest.mark.parametrize(
    ("source", "over"),
    [
        (class_of(10), set()),
        (class_of(11), {"m.Large"}),
        (class_of(11, "enum.StrEnum"), set()),
        (tree("class Large:\n a: int\n b: int\n c: ClassVar[int]"), set()),
        (tree("class Large:\n a: int\n b: int\n c: int"), {"m.Large"}),
        (tree("class Large:\n __slots__ = ('a', 'b', 'c')"), {"m.Large"}),
        (tree("class Large:\n def f(self):\n  self.a = self.b = 1\n  self.c += 1"), {"m.Large"}),
        (tree("class Large:\n def f(self):\n  self.a = self.b = self.c"), set()),
    ],
)
def test_a_class_is_over_by_its_lines_or_by_what_it_carries(
    source: ast.Module, over: set[str]
) -> None:
    assert over == house.classes_over({"m": source}, lines=10, attributes=2)


def test_a_name_that_stands_twice_is_found_with_its_places() -> None:
    trees = {"a": tree("class X: pass\nclass _Y: pass"), "b": tree("class X: pass\nclass _Y: pass")}

    assert {"X": {"a", "b"}} == house.classes_of_one_name(trees)
    assert {"y": {"y", "x.y"}} == house.modules_of_one_name(["y", "x.y", "x.z"])


def test_a_module_that_its_package_does_not_name_is_found() -> None:
    assert ["pool"] == house.unnamed("`pools` and `reader`.", ["reader", "pool"])


def test_a_method_of_a_protocol_without_a_word_is_found() -> None:
    source = """
        class Plain:
            def f(self): ...
        class Wire(asyncio.Protocol):
            def f(self): ...
        class Asked(Protocol[Part]):
            name: str
            def f(self): "Says so."
            def g(self): ...
            @property
            def h(self): ...
        """

    assert {"m.Asked.g", "m.Asked.h"} == house.undocumented_protocol_methods({"m": tree(source)})


def test_a_reach_for_a_private_name_is_found() -> None:
    source = """
        from authproxy.tasks import _inner, Tasks
        from elsewhere import _other
        class A:
            def f(self, pool):
                self._own = cls._own
                return pool._open + self.pool._idle + pool.__dict__
        """

    assert {"_open": 1, "_idle": 1} == house.private_reaches(tree(source))
    assert {"_inner": 1} == house.private_imports(tree(source))


def test_a_patch_of_what_is_ours_is_found() -> None:
    source = """
        import authproxy.tasks
        import os
        from authproxy.wire import pool as our_pool
        monkeypatch.setattr(our_pool, "LIMIT", 1)
        monkeypatch.setattr("authproxy.tasks.LIMIT", 1)
        monkeypatch.setattr(os, "environ", {})
        """

    assert {"our_pool, LIMIT": 1, "authproxy.tasks.LIMIT, 1": 1} == house.patches_of_ours(
        tree(source)
    )


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ("KNOWN[1] = 2", {"KNOWN"}),
        ("del KNOWN[1]", {"KNOWN"}),
        ("KNOWN.append(1)", {"KNOWN"}),
        ("KNOWN.seconds = 1", {"KNOWN"}),
        ("global OTHER; OTHER = 1", {"OTHER"}),
        ("return KNOWN[1]", set()),
        ("KNOWN = {}; KNOWN = 1", set()),
    ],
)
@pytest.mark.parametrize("value", ["{}", "[1]", "set()", "collections.deque()", "Register()"])
def test_a_global_that_a_function_changes_is_found(
    value: str, change: str, names: set[str]
) -> None:
    assert names == house.changed_globals(tree(f"KNOWN = {value}\ndef f():\n    {change}"))


@pytest.mark.parametrize(
    ("method", "found"),
    [
        ("self.a = 1", {"b.HERE"}),
        ("self.a[1] = 2", {"b.HERE"}),
        ("self.a.add(1)", {"b.HERE"}),
        ("return self.a.get(1)", set()),
    ],
)
def test_a_global_instance_whose_methods_change_it_is_found(method: str, found: set[str]) -> None:
    trees = {
        "a": tree(f"class Skew:\n def __init__(self): self.a = 0\n def f(self): {method}"),
        "b": tree("HERE: a.Skew = a.Skew()"),
    }

    assert found == house.instances_that_change(trees)


def test_a_term_that_the_code_does_not_use_is_found() -> None:
    glossary = "**access list**: a\n\n**pool**: b, as **spindle**\n\n**hop**: c\n"

    assert ["access list", "pool", "hop"] == house.glossary_terms(glossary)
    assert ["hop"] == house.terms_without_use(glossary, "class AccessList: ...\nthe_pools = 1")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("TlsContexts", ["tls", "context"]),
        ("RunAPI", ["run", "api"]),
        ("HTTPEntry", ["http", "entry"]),
        ("requests_per_second", ["request", "per", "second"]),
        ("TokenStatus", ["token", "status"]),
        ("KeyEntries", ["key", "entry"]),
        ("AddressAccess", ["address", "access"]),
    ],
)
def test_a_name_is_taken_apart_into_words(name: str, words: list[str]) -> None:
    assert words == house.words_of(name)


def test_a_concept_that_the_glossary_leaves_out_is_found() -> None:
    trees = {
        "wire.pool": tree("class ServiceSpindle: ...\nclass Hidden: ...\nclass Pool: ..."),
        "wire.other": tree("from authproxy.wire.pool import Hidden"),
        "runtime.app": tree("from authproxy.wire.pool import Pool, ServiceSpindle, helper"),
    }
    nouns = house.shared_nouns(trees, lambda name: name.partition(".")[0])

    assert {"spindle": {"ServiceSpindle"}, "pool": {"Pool"}} == nouns
    assert {"spindle"} == house.unexplained(nouns, "**pools of connections**: a\n")


@pytest.mark.parametrize(
    ("method", "is_clear"),
    [
        ("def f(self) -> bool: 'It goes on.'", False),
        ("def f(self) -> bool: 'Whether it goes on.'", True),
        ("@property\n    def is_over(self) -> bool: 'It goes on no more.'", True),
        ("def f(self) -> str | None: 'Why it is too many.'", False),
        ("def f(self) -> str | None: 'Why it is too many, else None.'", True),
        ("def f(self) -> None: 'It ended.'", True),
        ("def f(self, on: bool) -> None: 'Stop reading.'", False),
        ("def f(self, on: bool) -> None: '`on`: stop reading, else go on.'", True),
        ("def f(self, size: int) -> None: 'A head.'", False),
        ("def f(self, wait_s: float) -> None: 'It waits.'", True),
    ],
)
def test_a_method_of_a_protocol_whose_numbers_or_results_puzzle_is_found(
    method: str, is_clear: bool
) -> None:
    found = house.unclear_protocol_methods(
        {"m": tree(f"class Asked(Protocol):\n    'Is asked.'\n    {method}")}
    )

    assert (not found) is is_clear


def test_who_makes_what_should_be_handed_in_is_found() -> None:
    trees = {
        "a": tree("class Skew: ..."),
        "b": tree("def f(skew: Skew): return skew.now()"),
        "c": tree("def f(): return clock_skew.Skew()"),
        "d": tree("class Machine:\n    skew: Skew = field(default_factory=Skew)"),
    }

    assert {"c", "d"} == house.makers(trees, "Skew")


def test_a_name_in_prose_that_leads_nowhere_is_found() -> None:
    cors = {"policy": tree(""), "policy.messages": tree(""), "policy.messages.cors": tree("A = 1")}
    texts = [
        "`policy.cors`, `messages.cors.A`, `messages.cors.GONE`, policy.headers",
        "policy.messages.cors.A, policy.py, `cors.A`, and a policy. A sentence",
    ]

    assert {"policy.cors", "messages.cors.GONE", "policy.headers"} == house.stale_names(texts, cors)
    assert {"messages.cors.GONE"} == house.stale_names(texts, cors, {"policy"})
    assert {"cors.Gone"} == house.stale_names(["`cors.Gone`, `cors.gone`"], cors)


def test_a_path_in_prose_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "wire").mkdir()
    (tmp_path / "wire" / "pool.py").touch()

    assert {"wire/gone.py"} == house.stale_paths("`wire/pool.py`, `wire/gone.py`", [tmp_path])


def test_prose_is_docstrings_and_comments() -> None:
    source = '"""Doc."""\nx = "text"  # Why.\n'

    assert ["Doc.", "Why."] == house.prose_of(source)
