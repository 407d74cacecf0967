"""Fields of a table."""

from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from authproxy.tables.field import REQUIRED, Before, Field, FieldInfo


def test_a_field_without_a_default_must_be_given() -> None:
    assert Field(min_length=1).is_required
    assert not Field(default=None).is_required
    assert FieldInfo(bounds={}).default is REQUIRED


def test_a_field_is_checked_by_its_kind_and_its_bounds() -> None:
    adapter = TypeAdapter(FieldInfo(annotation=int, bounds={"ge": 2, "le": 3}).checked())

    assert 3 == adapter.validate_python("3")
    for wrong in (1, 4, "x"):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)


def test_a_field_without_bounds_is_checked_by_its_kind() -> None:
    assert int is FieldInfo(annotation=int, bounds={}).checked()


def test_a_check_runs_first_and_says_what_is_wrong() -> None:
    def count(value: object) -> object:
        if value == "none":
            raise ValueError("is no number")
        return 4

    kind = Annotated[int, Before(count)]
    adapter = TypeAdapter(FieldInfo(annotation=kind, bounds={"ge": 4}).checked())

    assert 4 == adapter.validate_python("four")
    with pytest.raises(ValidationError, match="is no number"):
        adapter.validate_python("none")
