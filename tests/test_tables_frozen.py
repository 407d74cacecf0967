"""Tables of settings: what they check, and what they do without pydantic."""

import pickle
import subprocess
import sys
from typing import Annotated, Any

import pytest
from pydantic import ValidationError

from authproxy.tables.field import Before, Field
from authproxy.tables.frozen import Frozen


def _no_zero(value: object) -> object:
    if value == 0:
        raise ValueError("must not be zero")
    return value


class Inner(Frozen):
    amount: Annotated[float, Before(_no_zero)] = Field(default=1.0, gt=-1)


class Outer(Frozen):
    name: str
    inner: Inner = Inner()
    several: dict[str, Inner] = Field(default={})

    @classmethod
    def complete(cls, given: Any) -> Any:
        return {"name": "nobody", **given} if isinstance(given, dict) else given


class Strict(Frozen):
    name: str


def errors(table: type[Frozen], given: object) -> list[tuple[object, ...]]:
    with pytest.raises(ValidationError) as caught:
        table.model_validate(given)
    return [(*error["loc"], error["type"]) for error in caught.value.errors()]


def test_all_that_is_wrong_is_said_with_its_place() -> None:
    given = {
        "name": 1,
        "inner": {"amount": 0, "colour": "red"},
        "several": {"a": {"amount": -2}, "b": {"amount": float("inf")}, "c": 3},
    }

    assert [
        ("name", "string_type"),
        ("inner", "amount", "value_error"),
        ("inner", "colour", "extra_forbidden"),
        ("several", "a", "amount", "greater_than"),
        ("several", "b", "amount", "finite_number"),
        ("several", "c", "dict_type"),
    ] == errors(Outer, given)


def test_what_has_no_default_must_be_given() -> None:
    assert [("name", "missing")] == errors(Strict, {})
    with pytest.raises(ValidationError):
        Strict()  # type: ignore[call-arg]  # -- that it is refused is the point


def test_a_table_may_say_what_follows_from_what_was_given() -> None:
    assert "nobody" == Outer.model_validate({}).name


def test_values_are_what_was_given_and_else_the_defaults() -> None:
    table = Outer.model_validate({"name": "a", "several": {"x": {"amount": "2"}}})

    assert (2.0, 1.0) == (table.several["x"].amount, table.inner.amount)
    assert {"name", "several"} == table.model_fields_set


def test_what_is_such_a_table_already_passes_as_it_is() -> None:
    inner = Inner(amount=3)

    assert inner is Outer(name="a", inner=inner).inner


def test_a_copy_differs_in_what_is_said() -> None:
    table = Outer(name="a")
    other = table.model_copy(update={"inner": Inner(amount=2)})

    assert ("a", 2.0, {"name", "inner"}) == (other.name, other.inner.amount, other.model_fields_set)
    assert Outer(name="a") == table != other


def test_a_table_with_its_default_written_out_is_the_same() -> None:
    assert Inner() == Inner(amount=1)
    assert {Inner()} == {Inner(amount=1)}
    assert Inner() != Strict(name="x")


def test_a_table_cannot_be_changed() -> None:
    table = Inner()
    with pytest.raises(AttributeError, match="Inner is frozen: amount cannot be set"):
        table.amount = 2  # type: ignore[misc]  # -- that it is refused is the point
    with pytest.raises(AttributeError, match="Inner is frozen: amount cannot be deleted"):
        del table.amount


def test_a_table_shows_its_values() -> None:
    assert "Outer(name='a', inner=Inner(amount=1.0), several={})" == repr(Outer(name="a"))


def test_settings_that_were_checked_elsewhere_need_no_pydantic() -> None:
    code = """if True:
        import pickle, sys
        settings = pickle.loads(sys.stdin.buffer.read())
        assert settings.services["a"].acting_as("x@y.iam.gserviceaccount.com").impersonate
        print(settings.every_listener[0].listen, settings.timeouts_of(settings.services["a"]).head)
        print(sorted({"pydantic", "pydantic_core", "click"} & {*sys.modules}))
    """
    from authproxy.settings import Settings

    settings = Settings.model_validate({"services": {"a": {"url": "https://a.run.app"}}})
    ended = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(settings), capture_output=True, check=True
    )

    assert "localhost 30.0\n[]\n" == ended.stdout.decode()
