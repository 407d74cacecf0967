"""Modules that take apart what others wrote, by the names and arguments of their functions."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

_VERB = re.compile(r"(parse|read|feed|scan|decoded?|split|judge|look_for)(_.*)?|data_received")
_RAW = re.compile(r"\b(bytes|str|Field|Pair|BinaryIO)\b")


def parser_modules(package: Path) -> dict[str, list[str]]:
    """By module below `package`, its functions that read bytes, text or fields."""
    found = {}
    for file in sorted(package.rglob("*.py")):
        name = ".".join(file.relative_to(package).with_suffix("").parts)
        functions = list(_parsers(ast.parse(file.read_text())))
        if functions:
            found[name] = functions
    return found


def _parsers(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and _is_parser(node):
            yield node.name
        if isinstance(node, ast.ClassDef) and not _is_protocol(node):
            yield from (
                f"{node.name}.{each.name}"
                for each in node.body
                if isinstance(each, ast.FunctionDef) and _is_parser(each)
            )


def _is_protocol(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).startswith("Protocol") for base in node.bases)


def _is_parser(node: ast.FunctionDef) -> bool:
    arguments = [*node.args.posonlyargs, *node.args.args][:3]
    written = " ".join(ast.unparse(each.annotation) for each in arguments if each.annotation)
    return bool(_VERB.fullmatch(node.name) and _RAW.search(written))
