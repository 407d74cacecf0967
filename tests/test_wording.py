"""Messages are read by somebody whose service is down: the field's terms, and no words that puzzle.

Rules of this file: a word in PLAIN stands in no message, and each shows what is written instead.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "authproxy"

PLAIN = {
    r"beforehand": "first, ahead, yet",
    r"bounds?": "limit",
    r"(can|could) (not )?be had|cannot be had": "cannot get …, … is not available",
    r"hardly": "almost no",
    r"in clear": "unencrypted",
    r"in vain": "what was looked for: …",
    r"luck": "say what happened",
    r"mend": "fix",
    r"no way": "cannot",
    r"nothing is known": "skipped: …",
    r"passed over": "skipped",
    r"reckon(ed)?": "count",
    r"somebody": "an identity, a client, a user",
    r"stands?|stood": "is, is open",
    r"under way": "in flight",
    r"unforeseen": "unexpected",
    r"wants?": "requires, needs",
    r"whoever": "anyone who, or name them",
    r"who knows": "say who",
}
"""Words that made messages hard to read, each with what says the same plainly."""

RIDDLES = re.compile(
    r"(What|Whatever|Who|Whoever|Whom|Whose|Which|Whether|When|Where|Why|How|Those|They|It|Its|Of"
    r"|Everything|Nobody|One (?:for|of))\b"
)
"""Openings that make a reader guess what a module or class is. Begin with a noun instead: `Queue of
…`, `Parser for …`, `Checks of …`; `Of one connection.` becomes `Keys of one connection.`"""

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "config.example.toml",
    *sorted((ROOT / "docs").glob("*.md")),
]
GENERATED = {"benchmarks.md"}
MOST_COLUMNS = 100


def messages(tree: ast.AST) -> Iterator[str]:
    """Literals of more than one word, but for docstrings; `{}` for what is filled in."""
    parts = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            parts.add(node.value)  # a docstring
        elif isinstance(node, ast.JoinedStr):
            constants = [each for each in node.values if isinstance(each, ast.Constant)]
            parts.update(constants)
            yield "{}".join(str(each.value) for each in constants)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts:
            yield node.value


def puzzles(text: str) -> list[str]:
    """What in a message is to be written plainly."""
    if " " not in text.strip():
        return []
    return [
        f"{found.group()!r} in {text!r}: write {instead}"
        for word, instead in PLAIN.items()
        if (found := re.search(rf"\b(?:{word})\b", text, re.IGNORECASE))
    ]


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: file.stem)
def test_no_message_has_a_word_that_puzzles(file: Path) -> None:
    tree = ast.parse(file.read_text())

    assert [] == [puzzle for text in messages(tree) for puzzle in puzzles(text)]


def test_a_word_that_puzzles_is_found_wherever_it_stands() -> None:
    source = (
        'def f():\n    """It is under way."""\n'
        '    log("waiting for what is "\n        "under way", name="under_way")\n'
        '    log(f"{n} is Under way")\n    log("beforehand")\n'
    )

    found = [puzzle for text in messages(ast.parse(source)) for puzzle in puzzles(text)]

    assert 2 == len(found)
    assert all("write in flight" in puzzle for puzzle in found)


def riddles(tree: ast.Module) -> list[str]:
    """First lines of docstrings, of a module and its classes, that do not begin with a noun."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef)]
    openings = [(ast.get_docstring(node) or "").partition("\n")[0] for node in nodes]
    return [opening for opening in openings if RIDDLES.match(opening)]


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: file.stem)
def test_modules_and_classes_are_introduced_by_a_noun(file: Path) -> None:
    assert [] == riddles(ast.parse(file.read_text()))


def test_an_opening_that_puzzles_is_found() -> None:
    source = (
        '"""Who may pass."""\nclass A:\n    """Of one connection."""\n'
        'class B:\n    """Itinerary of a request."""\nclass C:\n    class D:\n        """What."""\n'
    )

    assert ["Who may pass.", "Of one connection.", "What."] == riddles(ast.parse(source))


def long_lines(text: str) -> list[str]:
    """Prose that does not fit; tables, code and lines that are one address cannot be wrapped."""
    found, fenced = [], False
    for line in text.splitlines():
        fenced ^= line.lstrip().startswith("```")
        kept = fenced or line.startswith(("|", "    ", "#!", "<")) or " " not in line.strip()
        if len(line) > MOST_COLUMNS and not kept:
            found.append(line)
    return found


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in GENERATED], ids=lambda page: page.name
)
def test_prose_fits_a_terminal_beside_something_else(page: Path) -> None:
    assert [] == long_lines(page.read_text())


def test_every_line_of_the_example_fits() -> None:
    lines = (ROOT / "config.example.toml").read_text().splitlines()

    assert [] == [line for line in lines if len(line) > MOST_COLUMNS]
