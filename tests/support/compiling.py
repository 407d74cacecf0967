"""What mypyc does otherwise than Python, and says nothing of, or only when a module is imported.

Each rule takes the tree of a module and yields what breaks it, with its line.
"""

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
Rule = Callable[[ast.Module], Iterator[str]]


def errors_of_one_name(tree: ast.Module) -> Iterator[str]:
    """The first type counts for the name: TypeError when another one is caught."""
    for function in _functions(tree):
        types = defaultdict[str, set[str]](set)
        for node in ast.walk(function):
            if isinstance(node, ast.ExceptHandler) and node.name is not None and node.type:
                types[node.name].add(ast.unparse(node.type))
        for name, found in types.items():
            if len(found) > 1:
                yield f"{function.lineno}: `{name}` is caught as {' and as '.join(sorted(found))}"


def slots_of_dataclasses(tree: ast.Module) -> Iterator[str]:
    """The module cannot be imported."""
    for one in _classes(tree):
        for decorator in _dataclass_decorators(one):
            if any(word.arg in ("slots", "weakref_slot") for word in decorator.keywords):
                yield f"{one.lineno}: `{one.name}` is a dataclass with slots"


def generic_dataclasses(tree: ast.Module) -> Iterator[str]:
    """The module cannot be imported."""
    for one in _classes(tree):
        is_generic = any(isinstance(base, ast.Subscript) for base in one.bases)
        if (is_generic or getattr(one, "type_params", [])) and _is_dataclass(one):
            yield f"{one.lineno}: `{one.name}` is a generic dataclass"


def aliases_in_class_bodies(tree: ast.Module) -> Iterator[str]:
    """A function of elsewhere becomes an attribute of every object, and is called without it."""
    for one in _classes(tree):
        for node in one.body:
            if isinstance(node, ast.Assign) and len(node.targets) > 1:
                yield f"{node.lineno}: `{one.name}` assigns to several names at once"
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute):
                yield f"{node.lineno}: `{one.name}` takes over {ast.unparse(node.value)}"


def defaults_that_are_lost(tree: ast.Module) -> Iterator[str]:
    """None as the default of a choice of several types: AttributeError when it is read."""
    for one in _classes(tree):
        for node in one.body:
            if not isinstance(node, ast.AnnAssign) or not _is_none(node.value):
                continue
            if len(_choices(node.annotation)) > 2:
                yield f"{node.lineno}: `{ast.unparse(node.target)}` is one of several types or None"


def coroutines(tree: ast.Module) -> Iterator[str]:
    """They use a way to raise in them that Python has deprecated, and are not faster."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef):
            yield f"{node.lineno}: `{node.name}` is a coroutine"


def attributes_asked_again(tree: ast.Module) -> Iterator[str]:
    """Set, perhaps changed by what is called, and asked for None: TypeError when it is None."""
    for function in _functions(tree):
        given = _attributes_given(function)
        for node in ast.walk(function):
            if isinstance(node, ast.Compare) and _is_none(node.comparators[0]):
                asked = ast.unparse(node.left)
                if given.get(asked, node.lineno) < node.lineno:
                    yield f"{node.lineno}: `{asked}` was set above; ask in another function"


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        errors_of_one_name,
        slots_of_dataclasses,
        generic_dataclasses,
        aliases_in_class_bodies,
        defaults_that_are_lost,
        coroutines,
        attributes_asked_again,
    )
}


def _attributes_given(function: Function) -> dict[str, int]:
    """Those that get something else than None, and the line of it."""
    return {
        ast.unparse(target): node.lineno
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call | ast.Name)
        for target in node.targets
        if isinstance(target, ast.Attribute)
    }


def _choices(annotation: ast.expr) -> list[ast.expr]:
    """The types of `A | B | C`."""
    if isinstance(annotation, ast.BinOp):
        return [*_choices(annotation.left), annotation.right]
    return [annotation]


def _functions(tree: ast.Module) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def _classes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node


def _dataclass_decorators(one: ast.ClassDef) -> Iterator[ast.Call]:
    for decorator in one.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("dataclass"):
            yield decorator


def _is_dataclass(one: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(decorator) for decorator in one.decorator_list)


def _is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
