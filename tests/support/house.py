"""What tests/test_architecture.py counts: each rule a function of parsed source, so that a
made-up tree can break it."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from pathlib import Path

Trees = Mapping[str, ast.Module]

_MUTABLE = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp)
_MUTABLE_CALLS = {"dict", "list", "set", "deque", "defaultdict", "OrderedDict", "bytearray"}
_CHANGES = re.compile(
    "add|append|appendleft|clear|discard|extend|insert|pop|popitem|popleft|remove|setdefault|update"
)

NOT_PRIVATE = {"_asdict", "_fields", "_make", "_replace", "_exit"}
"""Public in spite of their underscore: of named tuples, and of `os`."""


def modules_by_folder(paths: Iterable[str]) -> Counter[str]:
    """How many modules stand in each folder, `__init__` and `__main__` not counted."""
    parts = [path.rpartition("/") for path in paths]
    return Counter(folder for folder, _, file in parts if not file.startswith("__"))


def classes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    """The classes at the top of a module, which are those that it offers."""
    return (node for node in tree.body if isinstance(node, ast.ClassDef))


def base_names(node: ast.ClassDef) -> set[str]:
    return {ast.unparse(base).partition("[")[0] for base in node.bases}


def lines_of(node: ast.ClassDef) -> int:
    return (node.end_lineno or 0) - node.lineno + 1


def attributes_of(node: ast.ClassDef) -> set[str]:
    """What an instance carries: fields, slots, and what methods set on `self`."""
    found = {
        item.target.id
        for item in node.body
        if isinstance(item, ast.AnnAssign)
        and isinstance(item.target, ast.Name)
        and "ClassVar" not in ast.unparse(item.annotation)
    }
    for inner in ast.walk(node):
        if (
            isinstance(inner, ast.Attribute)
            and isinstance(inner.ctx, ast.Store)
            and isinstance(inner.value, ast.Name)
            and inner.value.id == "self"
        ):
            found.add(inner.attr)
    return found | _slots_of(node)


def _slots_of(node: ast.ClassDef) -> set[str]:
    return {
        name
        for item in node.body
        if isinstance(item, ast.Assign) and ast.unparse(item.targets[0]) == "__slots__"
        for name in ast.literal_eval(item.value)
    }


def classes_over(trees: Trees, lines: int, attributes: int) -> set[str]:
    """Classes over either measure, as `module.Class`; enums are as long as their cases."""
    return {
        f"{name}.{node.name}"
        for name, tree in trees.items()
        for node in classes(tree)
        if not any(base.endswith("Enum") for base in base_names(node))
        and (lines_of(node) > lines or len(attributes_of(node)) > attributes)
    }


def classes_of_one_name(trees: Trees) -> dict[str, set[str]]:
    """Public class names that stand in more than one module, and in which."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, tree in trees.items():
        for node in classes(tree):
            if not node.name.startswith("_"):
                found[node.name].add(name)
    return {name: modules for name, modules in found.items() if len(modules) > 1}


def modules_of_one_name(names: Iterable[str]) -> dict[str, set[str]]:
    """Last parts of module names that stand in more than one folder, and where."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in names:
        found[name.rpartition(".")[2]].add(name)
    return {last: modules for last, modules in found.items() if len(modules) > 1}


def unnamed(docstring: str, modules: Iterable[str]) -> list[str]:
    """The modules of a package that its docstring does not name."""
    return [name for name in sorted(modules) if not re.search(rf"\b{name}\b", docstring)]


def undocumented_protocol_methods(trees: Trees) -> set[str]:
    """Methods and properties of Protocols that do not say what goes in and comes out."""
    return {
        f"{name}.{node.name}.{method.name}"
        for name, tree in trees.items()
        for node in classes(tree)
        if base_names(node) & {"Protocol", "typing.Protocol"}
        for method in node.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
        and not ast.get_docstring(method)
    }


_TELLS = {"bool": r"True|False|[Ww]hether|^(Is|May|Has)\b", "None": r"\bNone\b|nothing|[Ee]mpty"}
"""What must be said of a result that may be one of two."""
_NUMBERS = {"bool", "int", "float"}
_HAS_UNIT = re.compile(r".*_(s|id|bytes|count)")


def unclear_protocol_methods(trees: Trees) -> set[str]:
    """Methods of Protocols that do not say what their result's two cases mean, or what a number or
    a switch among their parameters is, by its name in the docstring.
    """
    return {
        f"{name}.{node.name}.{method.name}"
        for name, tree in trees.items()
        for node in classes(tree)
        if base_names(node) & {"Protocol", "typing.Protocol"}
        for method in node.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
        if _is_unclear(method, ast.get_docstring(method) or "", ast.get_docstring(node) or "")
    }


def _is_unclear(method: ast.FunctionDef | ast.AsyncFunctionDef, own: str, around: str) -> bool:
    is_property = any(ast.unparse(each) == "property" for each in method.decorator_list)
    kinds = set(re.findall(r"\w+", ast.unparse(method.returns))) if method.returns else set()
    if kinds == {"None"}:
        kinds = set()
    told = {"bool": own, "None": f"{around} {own}"}
    untold = {kind for kind in kinds & told.keys() if not re.search(_TELLS[kind], told[kind])}
    if untold and not (is_property and untold == {"bool"}):
        return True  # `is_open`: a property's name says it
    return any(
        ast.unparse(each.annotation or ast.Constant(0)) in _NUMBERS
        and not _HAS_UNIT.fullmatch(each.arg)
        and f"`{each.arg}`" not in own
        for each in (*method.args.posonlyargs, *method.args.args, *method.args.kwonlyargs)
    )


def private_reaches(tree: ast.Module) -> Counter[str]:
    """Names with one underscore in front that are read or set on anything but `self` and `cls`."""
    return Counter(
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and re.match(r"_[^_]", node.attr)
        and node.attr not in NOT_PRIVATE
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
    )


def private_imports(tree: ast.Module) -> Counter[str]:
    """Names with one underscore in front that are imported from modules of ours."""
    return Counter(
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("authproxy")
        for alias in node.names
        if re.match(r"_[^_]", alias.name)
    )


def patches_of_ours(tree: ast.Module) -> Counter[str]:
    """What `monkeypatch.setattr` changes in a module, class or object of ours."""
    ours = _imported_from_us(tree)
    found: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "monkeypatch.setattr":
            target = ast.unparse(node.args[0]).strip("'\"")
            if target.partition(".")[0] in ours | {"authproxy"}:
                found[", ".join(ast.unparse(part).strip("'\"") for part in node.args[:2])] += 1
    return found


def _imported_from_us(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("authproxy"):
            found.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            found.update(
                alias.asname or alias.name.partition(".")[0]
                for alias in node.names
                if alias.name.startswith("authproxy")
            )
    return found


def changed_globals(tree: ast.Module) -> set[str]:
    """Names at the top of a module that functions set anew or change in place."""
    top = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and _is_mutable(node.value)
    }
    found = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    return found | {name for node in ast.walk(tree) for name in _changes(node) if name in top}


def _is_mutable(value: ast.expr) -> bool:
    """A container, or an instance of a class whose name looks like one (PascalCase)."""
    if isinstance(value, _MUTABLE):
        return True
    if not isinstance(value, ast.Call):
        return False
    called = ast.unparse(value.func).rpartition(".")[2]
    return called in _MUTABLE_CALLS or bool(re.match(r"_?[A-Z]", called))


def _changes(node: ast.AST) -> Iterator[str]:
    """The names that a node changes: `name[...] =`, `name.attr =`, `name.add(...)`."""
    if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(
        node.ctx, ast.Store | ast.Del
    ):
        if isinstance(node.value, ast.Name):
            yield node.value.id
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and _CHANGES.fullmatch(node.func.attr)
    ):
        yield node.func.value.id


def instances_that_change(trees: Trees) -> set[str]:
    """Names at the top of a module that hold an instance of ours whose methods change it."""
    changing = {
        node.name
        for tree in trees.values()
        for node in classes(tree)
        if any(_changes_self(method) for method in node.body)
    }
    return {
        f"{name}.{ast.unparse(target)}"
        for name, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call)
        if ast.unparse(node.value.func).rpartition(".")[2] in changing
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    }


def _changes_self(method: ast.stmt) -> bool:
    if not isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    if method.name in ("__init__", "__post_init__", "__new__"):
        return False
    return any(
        isinstance(node, ast.Attribute)
        and ast.unparse(node.value) == "self"
        and (isinstance(node.ctx, ast.Store) or _is_changed(node, method))
        for node in ast.walk(method)
    )


def _is_changed(attribute: ast.Attribute, method: ast.AST) -> bool:
    """Whether `self.NAME[...]` is set or `self.NAME.add(...)` called in a method."""
    return any(
        (isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load))
        or (isinstance(node, ast.Attribute) and _CHANGES.fullmatch(node.attr))
        for node in ast.walk(method)
        if getattr(node, "value", None) is attribute
    )


def makers(trees: Trees, name: str) -> set[str]:
    """The modules that make an instance of the class of this name."""
    return {
        module
        for module, tree in trees.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name)
        or (isinstance(node, ast.keyword) and ast.unparse(node) == f"default_factory={name}")
    }


def glossary_terms(glossary: str) -> list[str]:
    """What `**term**:` at the beginning of a line explains."""
    return re.findall(r"^\*\*(.+?)\*\*:", glossary, re.MULTILINE)


def terms_without_use(glossary: str, code: str) -> list[str]:
    """Terms that the code never uses, as words or as parts of names."""
    flat = re.sub(r"[\s_-]+", " ", re.sub(r"([a-z])([A-Z])", r"\1 \2", code)).lower()
    return [
        term
        for term in glossary_terms(glossary)
        if not re.search(rf"\b{re.escape(term.lower().replace('-', ' '))}", flat)
    ]


def words_of(name: str) -> list[str]:
    """`TlsContexts` -> `tls`, `context`; `requests_per_second` -> `request`, `per`, `second`."""
    found = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+", name)
    return [singular(word.lower()) for word in found]


def singular(word: str) -> str:
    if len(word) <= 3 or not word.endswith("s") or word.endswith(("ss", "us")):
        return word
    return f"{word[:-3]}y" if word.endswith("ies") else word[:-1]


def shared_nouns(trees: Trees, folder: Callable[[str], str]) -> dict[str, set[str]]:
    """What classes are called that another folder knows: the last word of each name, and whose."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, tree in trees.items():
        for module, imported in _imports(tree):
            known = classes(trees[module]) if module in trees else ()
            node = next((each for each in known if each.name == imported), None)
            if node is not None and folder(module) != folder(name):
                found[words_of(imported)[-1]].add(imported)
    return found


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Module and name of what is imported from us."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("authproxy."):
            module = str(node.module).removeprefix("authproxy.")
            yield from ((module, alias.name) for alias in node.names)


def unexplained(nouns: Iterable[str], glossary: str) -> set[str]:
    """Those that no term of the glossary consists of, in part at least."""
    known = {word for term in glossary_terms(glossary) for word in words_of(term)}
    return set(nouns) - known


_QUOTED = re.compile(r"`(?:authproxy\.)?([a-z]\w*(?:\.\w+)+)`")
_DOTTED = re.compile(r"(?<![\w./@-])(?:authproxy\.)?([a-z]\w*(?:\.[a-z_]\w*)+)(?![\w(])")
_FILES = ("py", "toml", "md", "json", "sh", "html", "yaml")


def prose_of(source: str) -> list[str]:
    """The docstrings and comments of a module."""
    strings = [
        node.value.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]
    return strings + [line.partition("# ")[2] for line in source.splitlines() if "# " in line]


def stale_names(
    texts: Iterable[str], trees: Trees, identifiers: Set[str] = frozenset()
) -> set[str]:
    """Dotted names that begin with a package of ours and lead to no module, nor to anything in one;
    in backticks also those that begin with the last part of a package's name, and classes with the
    name of their module ahead. Those that begin like one of `identifiers` are about a variable."""
    packages = {name.rpartition(".")[0] for name in trees if "." in name}
    tops = {name.partition(".")[0] for name in packages} - identifiers
    heads = {name.rpartition(".")[2] for name in packages} - identifiers
    modules = {name.rpartition(".")[2] for name in trees}
    found = set()
    for text in texts:
        found |= {name for name in _DOTTED.findall(text) if name.partition(".")[0] in tops}
        found |= {name for name in _QUOTED.findall(text) if name.partition(".")[0] in heads}
        found |= {name for name in _QUOTED.findall(text) if _is_class_of(name, modules)}
    return {
        name
        for name in found
        if name.rpartition(".")[2] not in _FILES and not _leads_somewhere(name, trees)
    }


def _is_class_of(name: str, modules: Set[str]) -> bool:
    """Whether it looks like `module.Class`."""
    module, _, rest = name.partition(".")
    return module in modules and bool(re.match(r"[A-Z][a-z]", rest))


_PATHS = re.compile(r"`((?:[a-z]\w*/)+[a-z_]\w*\.(?:py|md|toml|sh))`")


def stale_paths(text: str, roots: Iterable[Path]) -> set[str]:
    """Paths of files in backticks that are below none of `roots`."""
    return {
        path for path in _PATHS.findall(text) if not any((root / path).exists() for root in roots)
    }


def _leads_somewhere(name: str, trees: Trees) -> bool:
    known = {*trees, *(each.rpartition(".")[0] for each in trees)}
    for module in (each for each in known if each):
        if f".{module}".endswith(f".{name}"):
            return True
    owner, _, rest = name.rpartition(".")
    while owner:
        for module, tree in trees.items():
            if f".{module}".endswith(f".{owner}") and rest.partition(".")[0] in defined(tree):
                return True
        owner, _, last = owner.rpartition(".")
        rest = f"{last}.{rest}"
    return False


def defined(tree: ast.Module) -> set[str]:
    """Names at the top of a module."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found.update(each.id for each in targets if isinstance(each, ast.Name))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update(each.asname or each.name for each in node.names)
    return found


def identifiers_of(tree: ast.Module) -> set[str]:
    """Every name that code of this module uses, as a variable, a parameter or an attribute."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
    return found


def texts(tree: ast.Module) -> set[str]:
    """Every text that is written in a module."""
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
