"""Translation of pydantic's errors: the reader knows TOML, not pydantic."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from authproxy.config.readers.entries import Entries, get_nearest
from authproxy.config.readers.setting_names import Path
from authproxy.errors import Problem
from authproxy.values import did_you_mean
from authproxy.values.wording import on_one_line

_SENTENCES = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "is too large",
    "int_type": "must be a whole number",
    "less_than_equal": "must be at most {le:g}",
    "tuple_type": 'must be a list, as in ["a", "b"]',
    "value_error": "{error}",
}


def problems_of(error: ValidationError, entries: Entries) -> Iterator[tuple[Path, Problem]]:
    """Each problem with the path of the setting, or of the service, that has it."""
    for detail in error.errors(include_url=False, include_input=False):
        location = detail["loc"]
        path = _setting_at(location, entries)
        entry = get_nearest(entries, path)
        sentence = _sentence(detail["type"], detail.get("ctx", {}), path, entries)
        index = next(iter(location[len(path) :]), None)
        # What to write instead may have in it what was written.
        yield path, entry.problem(on_one_line(sentence), index=index)


def _setting_at(location: tuple[int | str, ...], entries: Entries) -> Path:
    """The path without the index in a list and pydantic's own additions."""
    names = tuple(map(str, location))
    whole = (names[:end] for end in range(len(names), 0, -1))
    return next((path for path in whole if path in entries), names[:2])


def _sentence(kind: str, context: Mapping[str, Any], path: Path, entries: Entries) -> str:
    if kind == "missing":
        if path[0] == "listeners":
            return f'the listener "{path[1]}" has no address; write listen = "localhost:8081"'
        return f'the service "{path[1]}" has no url; {_url_advice(path[1], entries)}'
    return _SENTENCES.get(kind, "is not valid").format(**context)


def _url_advice(name: str, entries: Entries) -> str:
    known = [path[1] for path in entries if path[0] == "services" and path[2:] == ("url",)]
    guess = did_you_mean(name, known).removeprefix("; ")
    return guess or f'write url = "https://…" in [services.{name}]'
