"""A JSON Schema of configuration files, for editors that complete and check TOML.

It is made from the models that a file is read into, by the kinds in `authproxy.fields`. What those
accept is valid; of what they refuse, wrong keys, kinds, words and bounds are not. What an address
or a name must look like is said by `authproxy check` alone.
"""

import ast
import inspect
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from authproxy import fields
from authproxy.config.readers.old_names import OLD_NAMES, OldName, in_file
from authproxy.config.readers.setting_names import EVERY
from authproxy.settings import Settings
from authproxy.tables.field import FieldInfo
from authproxy.tables.frozen import Frozen

Schema = dict[str, Any]

DIALECT = "http://json-schema.org/draft-07/schema#"
"""The one that editors for TOML know."""

_TEXT: Schema = {"type": "string"}
_ALSO_NUMBER = (fields.ListenValue, fields.FileMode)
_OTHERS: Mapping[object, Schema] = {
    fields.Workers: {"type": ["string", "integer"]},
    fields.AdminValue: {"type": ["string", "integer", "boolean"]},
}


def as_json() -> str:
    return json.dumps(schema(), indent=2, ensure_ascii=False)


def schema(renamed: Sequence[OldName] = OLD_NAMES) -> Schema:
    """Of a whole file."""
    top = _table(Settings)
    for row in renamed:
        _add_old(top, row)
    return {"$schema": DIALECT, "title": "authproxy", **top}


def _add_old(top: Schema, row: OldName) -> None:
    """The old name of a setting; its value may be anything, since the reader translates it."""
    table = top
    for part in row.old[:-1]:
        if part != EVERY:
            table = table["properties"].setdefault(part, _no_keys())
        else:
            table["additionalProperties"] = table["additionalProperties"] or _no_keys()
            table = table["additionalProperties"]
    said = f"Since {row.since}: {in_file(row.new).replace(EVERY, 'NAME')}."
    table["properties"][row.old[-1]] = {"description": said, "deprecated": True}


def _no_keys() -> Schema:
    return {"type": "object", "properties": {}, "additionalProperties": False}


def _table(model: type[Frozen]) -> Schema:
    sentences = _sentences(model)
    found = {}
    for name, field in model.model_fields.items():
        made = _field(model, name, field)
        if name in sentences:
            made = {"description": sentences[name], **made}
        found[name] = made
    return {"type": "object", "properties": found, "additionalProperties": False}


def _field(model: type[Frozen], name: str, field: FieldInfo) -> Schema:
    written = inspect.get_annotations(model)[name]
    made = _kind(written)
    bounds = {_WORDS[key]: value for key, value in field.bounds.items() if key in _WORDS}
    for option in made.get("anyOf", []):
        if bounds and option.get("type") in ("number", "integer"):
            option.update(bounds)
    default = field.default
    if isinstance(default, bool | int | float | str) and name != "socket_mode":
        made = {**made, "default": default}
    return made


_WORDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def _kind(annotation: Any) -> Schema:
    if annotation in _OTHERS:
        return dict(_OTHERS[annotation])
    if annotation in _ALSO_NUMBER:
        return {"type": ["string", "integer"]}
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _annotated(annotation, args[0])
    if origin in (Union, UnionType):
        return _kind(next(each for each in args if each is not type(None)))
    if origin is dict:
        return {"type": "object", "additionalProperties": _kind(args[1])}
    if annotation is bool:
        words = _pattern(["on", "off", "true", "false", "yes", "no", "t", "f", "y", "n", "1", "0"])
        return {"anyOf": [{"type": "boolean"}, {"enum": [0, 1]}, words]}
    if inspect.isclass(annotation) and issubclass(annotation, Frozen):
        return _table(annotation)
    return dict(_TEXT)


def _annotated(annotation: Any, base: Any) -> Schema:
    if base in (int, float):
        number = "integer" if base is int else "number"
        return {"anyOf": [{"type": number}, dict(_TEXT)]}
    if get_origin(base) is Literal:
        return _words(annotation, get_args(base))
    if get_origin(base) is tuple:
        return _list(annotation, get_args(base)[0])
    return dict(_TEXT)


def _words(annotation: Any, words: tuple[str, ...]) -> Schema:
    """In upper or lower case, but for the kind of a token."""
    options: list[Schema] = [{"enum": list(words)}]
    if annotation is not fields.TokenKind:
        options.append(_pattern(words))
    if annotation is fields.Switch:
        options.append({"type": "boolean"})
    if annotation is fields.TlsVersion:
        options.append({"enum": [1.2, 1.3]})
        options.append({"type": "string", "pattern": r"^\s*[Tt][Ll][Ss][vV _-]*1[._][23]\s*$"})
    return {"anyOf": options}


def _pattern(words: Iterable[str]) -> Schema:
    spelled = "|".join(_any_case(word) for word in words)
    return {"type": "string", "pattern": rf"^\s*({spelled})\s*$"}


def _any_case(word: str) -> str:
    return "".join(
        f"[{letter.upper()}{letter}]" if letter.isalpha() else letter.replace(".", r"\.")
        for letter in word
    )


def _list(annotation: Any, item: Any) -> Schema:
    """One value, several with commas between, or a list."""
    is_number = annotation in (fields.Listens, fields.Uids)
    each: Schema = {"type": ["string", "integer"]} if is_number else dict(_TEXT)
    many: Schema = {"type": "array", "items": each}
    if annotation in (fields.Listens, fields.Scopes):
        many["minItems"] = 1
    return {"anyOf": [many, each]}


def _sentences(model: type[Frozen]) -> dict[str, str]:
    """What stands beneath each field; nothing where the source is not there."""
    try:
        body = ast.parse(Path(inspect.getfile(model)).read_text()).body
    except OSError:
        return {}
    [table] = [
        each for each in body if isinstance(each, ast.ClassDef) and each.name == model.__name__
    ]
    return {
        ast.unparse(field.target): str(text.value.value)
        for field, text in zip(table.body, table.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }
